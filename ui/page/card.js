// One session on the board.

import { Asks } from "./ask.js";
import { Controls } from "./controls.js";
import { el, setClass, setText, shown, unique } from "./dom.js";
import { ago, day, firstLine } from "./format.js";
import { Meters } from "./meters.js";
import { PlanView } from "./plan.js";
import { toSession } from "./route.js";
import { Screen } from "./screen.js";
import { tone, word } from "./states.js";

const A_DAY = 86_400_000; // milliseconds
const WIDTH = 320; // pixels of a small picture

export class CardView {
  constructor(card, gallery) {
    this.id = card.id;
    this.gallery = gallery;
    this.card = card;
    this.screen = new Screen("small", "");
    this.state = el("span", "state");
    this.since = el("time", "dim");
    this.title = el("a", "");
    this.title.href = toSession(card.id);
    this.title.id = unique("card");
    this.words = el("p", "last");
    this.next = el("p", "next-line");
    this.plan = new PlanView();
    this.meters = new Meters();
    this.asks = new Asks(card.id, () => this.node);
    this.controls = new Controls(card, { compact: true });
    const picture = el("a", "shot", this.screen.node);
    picture.href = this.title.href;
    Object.assign(picture, { tabIndex: -1, ariaHidden: "true" }); // the title leads to the same place
    const head = el("div", "card-text", el("p", "card-head", this.state, this.since), el("h3", "", this.title));
    this.more = el("div", "card-text more", this.words, this.next, this.plan.node, this.meters.node);
    this.node = el("article", "card", picture, head, this.asks.node, this.more, this.controls.node);
    this.node.setAttribute("aria-labelledby", this.title.id);
    this.node.tabIndex = -1; // a place for the focus where no key does anything
    this.node.dataset.session = card.id;
    this.update(card);
    gallery.add(this);
  }

  update(card) {
    this.card = card;
    setText(this.state, card.queue && card.state === "queued" ? `queued, ${card.queue.ahead} ahead` : word(card.state));
    setClass(this.state, `state ${tone(card.state)}`);
    setClass(this.node, `card ${card.live ? "live" : "over"} ${card.column.replace(" ", "-")}`);
    setText(this.title, firstLine(card.task, 140) || card.id);
    this.title.title = card.task;
    this.#say(card);
    this.plan.update(card.live ? card.plan : []);
    this.meters.update(card);
    this.asks.update(card.questions);
    this.controls.update(card);
    this.screen.shape(card.image_size ?? [16, 10]);
    this.screen.next(card.live ? card.next : null, false);
    this.gallery.changed(this);
    this.tick();
  }

  #say(card) {
    const ended = !card.live && (card.reason || card.words);
    setText(this.words, ended || card.words || (card.live ? card.thought : "") || card.queue?.reason || "");
    this.words.classList.toggle("thinking", card.live && !card.words);
    shown(this.words, this.words.textContent);
    const next = card.live && card.next && card.next.state !== "done" ? card.next : null;
    setText(this.next, next ? next.words : "");
    shown(this.next, next);
  }

  tick() {
    const { card } = this, at = card.live ? card.since : card.ended || card.at || card.started;
    const old = at && Date.now() - Date.parse(at) > A_DAY;
    const since = old ? day(at) : `${ago(at)} ago`.replace("now ago", "just now");
    setText(this.since, card.live ? ago(at) : since);
    this.meters.tick();
  }

  /** Show the newest stored picture. */
  showStored() {
    return this.screen.showStored(this.id, this.card.image, WIDTH);
  }

  close() {
    this.gallery.remove(this);
    this.asks.update([]);
  }
}
