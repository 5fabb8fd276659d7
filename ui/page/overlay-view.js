// What the overlay shows of its session.

import { announce } from "./announce.js";
import { Asks } from "./ask.js";
import { Controls } from "./controls.js";
import { Crop } from "./crop.js";
import { button, el, icon, setClass, setText, shown } from "./dom.js";
import { firstLine } from "./format.js";
import { everySecond, Meters } from "./meters.js";
import { PlanView } from "./plan.js";
import { ScreenView } from "./screen-view.js";
import { spoken, tone, word, worthSaying } from "./states.js";
import { Steer } from "./steer.js";

const CALM = 250; // milliseconds between two changes of the reasoning: it is read, not watched
const LOST_AFTER = 600; // milliseconds: a line that is back at once is not worth a word

const OVER = {
  interrupted: "The session's process has died. What it did is safe in the journal.",
  damaged: "The journal is damaged; `deskhand resume --repair` goes on from before the damage.",
};

export class OverlayView {
  card = null;
  #calm = null;
  #lost = null;

  constructor(store, id) {
    this.id = id;
    this.task = el("button", "task");
    this.task.type = "button";
    this.task.addEventListener("click", () => this.#unfold());
    this.task.setAttribute("aria-expanded", "false");
    this.plan = new PlanView();
    this.thought = el("p", "reasoning");
    this.thought.setAttribute("role", "region");
    this.thought.setAttribute("aria-label", "Reasoning");
    this.thought.tabIndex = 0;
    this.crop = new Crop(id);
    this.next = el("p", "next-words");
    this.lead = el("p", "lead dim");
    this.nextRow = el("section", "next-row", this.crop.node, el("div", "next-text", this.lead, this.next));
    this.nextRow.setAttribute("aria-label", "Next action");
    this.screen = new ScreenView(id, { width: 640, fps: 3 });
    this.meters = new Meters({ tokens: true });
    this.asks = new Asks(id, () => this.state);
    this.steer = new Steer(id);
    this.banner = el("p", "banner");
    this.banner.setAttribute("role", "status");
    shown(this.banner, false);
    this.others = el("p", "others pywebview-drag-region");
    shown(this.others, false);
    const now = [this.thought, this.nextRow, this.screen.node, this.meters.node];
    this.middle = el("div", "middle", this.task, this.plan.node, ...now);
    this.foot = el("div", "foot", el("h2", "heard", "Controls"), this.asks.node, this.steer.node);
    this.node = el("main", "over", this.#title(), this.banner, this.middle, this.foot);
    this.closers = [
      store.on("card", (card) => { if (card.id === id) this.update(card); }),
      store.on("detail", (detail) => { if (detail.id === id) this.#detail(detail); }),
      store.on("gone", (gone) => { if (gone === id) this.#banner("The folder of this session is gone."); }),
      everySecond(() => this.meters.tick()),
    ];
  }

  /** The bar by which the window is moved; its buttons speak to the window, where there is one. */
  #title() {
    this.state = el("h1", "state");
    this.state.tabIndex = -1; // a place for the focus where no key does anything
    this.bar = el("header", "title pywebview-drag-region", this.state, this.others);
    const small = button("icon", icon("collapse"), () => this.collapse(), "Make small (Alt+C)");
    const close = button("icon", icon("close"), () => window.pywebview?.api?.close(), "Close; the session goes on");
    this.small = small;
    this.bar.append(small, close);
    return this.bar;
  }

  /** Show the bar alone, or everything again. */
  collapse(yes = !document.body.classList.contains("collapsed")) {
    document.body.classList.toggle("collapsed", yes);
    this.small.replaceChildren(icon(yes ? "expand" : "collapse"));
    this.small.setAttribute("aria-label", yes ? "Make large (Alt+C)" : "Make small (Alt+C)");
    this.small.title = this.small.getAttribute("aria-label");
    this.small.setAttribute("aria-expanded", String(!yes));
    this.#place();
    window.pywebview?.api?.collapse(yes);
  }

  /** The buttons are in the bar while there is nothing but the bar. */
  #place() {
    if (!this.controls) return;
    const small = document.body.classList.contains("collapsed");
    (small ? this.bar : this.foot).insertBefore(this.controls.node, small ? this.small : this.steer.node);
  }

  /** The window may have been left small the last time. */
  async adopt() {
    if (await window.pywebview?.api?.collapsed?.()) this.collapse(true);
  }

  #unfold() {
    const open = this.middle.classList.toggle("unfolded");
    this.task.setAttribute("aria-expanded", String(open));
    this.#task();
  }

  #task() {
    const { task } = this.card;
    setText(this.task, this.middle.classList.contains("unfolded") ? task : firstLine(task, 200));
    this.task.title = task;
  }

  update(card) {
    const before = this.card;
    this.card = card;
    if (!this.controls) {
      this.controls = new Controls(card);
      this.#place();
    }
    if (before && worthSaying(before.state, card.state)) announce(spoken(card.state));
    setText(this.state, word(card.state));
    setClass(this.state, `state ${tone(card.state)} pywebview-drag-region`);
    this.#task();
    this.plan.update(card.plan);
    this.meters.update(card);
    this.screen.update(card);
    this.asks.update(card.questions);
    this.controls.update(card);
    this.#next(card);
    this.#think(card);
    this.node.classList.toggle("asking", this.asks.any);
    this.node.classList.toggle("ended", !card.live);
    this.#end(card);
  }

  #detail(detail) {
    this.update(detail);
    this.steer.update(detail.receipts);
  }

  #next(card) {
    const next = card.live ? card.next : null;
    this.crop.show(next);
    setText(this.lead, { next: "next", doing: "now", done: "just done" }[next?.state] ?? "");
    setText(this.next, next?.words ?? (card.live ? "" : card.words || card.outcome || ""));
    shown(this.nextRow, this.next.textContent);
  }

  #think(card) {
    this.latest = card.live ? card.thought || card.words || "" : "";
    if (this.#calm) return;
    this.#rethink();
    this.#calm = setTimeout(() => {
      this.#calm = null;
      this.#rethink();
    }, CALM);
  }

  #rethink() {
    setText(this.thought, this.latest);
    shown(this.thought, this.latest);
    this.thought.scrollTop = this.thought.scrollHeight;
  }

  #end(card) {
    if (this.line === "lost") return;
    if (card.queue) this.#banner(`${card.queue.reason}; ${card.queue.ahead} ahead`);
    else this.#banner(card.live ? "" : OVER[card.state] ?? card.reason ?? "");
    this.banner.classList.toggle("bad", !card.live && tone(card.state) === "bad");
  }

  #banner(text) {
    setText(this.banner, text);
    shown(this.banner, text);
  }

  /** Say whether the line to the server stands. */
  tell(line, error) {
    clearTimeout(this.#lost);
    if (line === "lost") {
      this.#lost = setTimeout(() => {
        this.line = line;
        this.#banner("Connection lost. Trying again…");
        this.banner.classList.add("bad");
      }, LOST_AFTER);
    } else {
      this.line = line;
      if (line === "refused" && error.status === 404) this.#banner(error.message);
      else if (this.card) this.#end(this.card);
      else this.#banner("");
    }
  }

  close() {
    clearTimeout(this.#calm);
    clearTimeout(this.#lost);
    for (const close of this.closers) close();
    this.screen.close();
    this.asks.update([]);
  }
}
