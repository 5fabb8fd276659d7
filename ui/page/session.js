// One session: its live screen and controls on the left, what it has done on the right.

import { announce } from "./announce.js";
import { Asks } from "./ask.js";
import { damaged } from "./block.js";
import { Controls } from "./controls.js";
import { button, el, setClass, setText, shown } from "./dom.js";
import { day, firstLine } from "./format.js";
import { FilesView } from "./files.js";
import { JournalView } from "./journal.js";
import { everySecond, Meters } from "./meters.js";
import { PlanView } from "./plan.js";
import { Replay } from "./replay.js";
import { go, toSession } from "./route.js";
import { ScreenView } from "./screen-view.js";
import { spoken, tone, word, worthSaying } from "./states.js";
import { Steer } from "./steer.js";
import { Tabs } from "./tabs.js";
import { Timeline } from "./timeline.js";

export class SessionPage {
  card = null;

  constructor(store, id, tab) {
    this.store = store;
    this.id = id;
    this.head = new Head();
    this.view = new ScreenView(id, { width: 1280, fps: 5 });
    this.timeline = new Timeline(id);
    this.journal = new JournalView(id);
    this.files = new FilesView(id);
    this.replay = new Replay(id);
    this.asks = new Asks(id, () => this.head.task);
    this.steer = new Steer(id);
    this.controls = null;
    this.damages = el("div", "damages");
    this.panel = el("div", "right");
    this.foot = el("div", "foot", this.asks.node, this.steer.node);
    const left = el("section", "left", el("h2", "heard", "Screen and controls"), this.view.node, this.foot);
    left.setAttribute("aria-label", "Screen and controls");
    this.both = el("div", "session-both", left, this.panel);
    this.problem = el("p", "problem");
    shown(this.problem, false);
    this.node = el("main", "session", this.head.node, this.damages, this.problem, this.both);
    this.#tabs(tab);
    shown(this.both, false);
    this.closers = [
      store.on("detail", (detail) => this.#detail(detail)),
      store.on("card", (card) => { if (card.id === id) this.update(card); }),
      store.on("blocks", (data) => this.#blocks(data)),
      store.on("gone", (gone) => { if (gone === id) this.fail("The folder of this session is gone."); }),
      store.on("line", (line, error) => { if (line === "refused" && error.status === 404) this.fail(error.message); }),
      everySecond(() => this.head.tick()),
    ];
    const known = store.cards.get(id);
    if (known) this.update(known);
  }

  #tabs(tab) {
    const panels = {
      timeline: { title: "Timeline", node: this.timeline.node }, journal: { title: "Journal", node: this.journal.node },
      files: { title: "Files", node: this.files.node }, replay: { title: "Replay", node: this.replay.node },
    };
    this.tabs = new Tabs("What it has done", panels, (name, byHand) => {
      this.journal.active = name === "journal";
      if (name === "journal") this.journal.changed();
      if (name === "replay") this.replay.show(); else this.replay.hide();
      if (name === "timeline") this.timeline.revealed();
      if (byHand) go(toSession(this.id, name));
    });
    const nodes = Object.values(panels).map((panel) => panel.node);
    this.panel.append(el("h2", "heard", "What it has done"), this.tabs.list, ...nodes);
    this.tabs.choose(panels[tab] ? tab : "timeline");
  }

  fail(text) {
    setText(this.problem, text);
    shown(this.problem, true);
    this.view.close();
  }

  update(card) {
    const before = this.card;
    this.card = card;
    shown(this.both, true);
    if (!this.controls) {
      this.controls = new Controls(card);
      this.foot.insertBefore(this.controls.node, this.steer.node);
      this.timeline.revealed();
    }
    if (before && worthSaying(before.state, card.state)) announce(spoken(card.state));
    this.head.update(card);
    this.view.update(card);
    this.asks.update(card.questions);
    this.controls.update(card);
    this.journal.changed();
    this.onTitle?.();
  }

  #detail(detail) {
    if (detail.id !== this.id) return;
    this.update(detail);
    this.steer.update(detail.receipts);
    this.files.update(detail.files);
    this.tabs.tabs.files.textContent = detail.files?.length ? `Files (${detail.files.length})` : "Files";
    this.#damage(detail.damages ?? []);
    this.replay.update(detail.chunks ?? 0);
    if (this.tabs.name === "replay") this.replay.show();
  }

  #damage(damages) {
    if (this.damages.childElementCount === Math.min(3, damages.length)) return;
    this.damages.replaceChildren(...damages.slice(0, 3).map((item) => el("p", "damage", damaged(item))));
  }

  #blocks(data) {
    this.timeline.take(data);
    this.replay.update(data.chunks);
    this.journal.changed();
  }

  close() {
    for (const close of this.closers) close();
    this.view.close();
    this.timeline.close();
    this.replay.close();
    this.asks.update([]);
  }
}

const FOLDED = 600; // characters of a task that are laid out before it is unfolded

/** What is being done, how it stands, how far it has come. */
class Head {
  constructor() {
    this.state = el("span", "state");
    this.task = el("h1", "task");
    this.task.tabIndex = -1; // a place for the focus where no key does anything
    this.more = button("plain", "more", () => this.#unfold());
    this.facts = el("p", "dim facts-line");
    this.reason = el("p", "reason");
    this.plan = new PlanView();
    this.meters = new Meters({ tokens: true });
    const title = el("div", "title-row", this.state, this.task, this.more);
    const progress = el("div", "progress", this.plan.node, this.meters.node);
    this.node = el("header", "session-head", title, this.facts, this.reason, progress);
  }

  #unfold() {
    const open = this.node.classList.toggle("unfolded");
    setText(this.more, open ? "less" : "more");
    this.more.setAttribute("aria-expanded", String(open));
    this.#say();
  }

  #say() {
    setText(this.task, this.node.classList.contains("unfolded") ? this.whole : this.whole.slice(0, FOLDED));
  }

  update(card) {
    setText(this.state, word(card.state));
    setClass(this.state, `state ${tone(card.state)}`);
    this.whole = card.task || "The task is in a part of the journal that cannot be read.";
    this.#say();
    shown(this.more, card.task.length > 110 || card.task.includes("\n"));
    const screen = card.image_size?.[0] ? card.image_size.join("×") : "";
    const where = [card.computer, screen].filter(Boolean).join(" ");
    const when = card.started && `started ${day(card.started)}`;
    setText(this.facts, [card.model, where, when, card.id].filter(Boolean).join(" · "));
    const ended = card.live ? "" : card.reason || "";
    const reason = card.queue?.reason ? `${card.queue.reason}; ${card.queue.ahead} ahead` : ended;
    setText(this.reason, reason === card.state ? "" : reason);
    shown(this.reason, this.reason.textContent);
    this.plan.update(card.plan);
    this.meters.update(card);
  }

  tick() {
    this.meters.tick();
  }
}

export const titleOf = (card) => (card ? firstLine(card.task, 60) : "");
