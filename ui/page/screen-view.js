// The session's screen as it is now, else its newest picture; with what comes next marked on it, and said below.

import { attributes, el, setClass, setText, shown } from "./dom.js";
import { Hands } from "./hands.js";
import { LiveScreen } from "./live.js";
import { Screen } from "./screen.js";

const ASK_AGAIN = 10_000; // milliseconds

export class ScreenView {
  #refused = { state: "", at: 0 }; // when the server had no live screen

  constructor(session, { width, fps, label = "The agent's screen" }) {
    this.session = session;
    this.width = width;
    this.screen = new Screen("big", label);
    this.how = el("span", "how");
    this.screen.node.append(this.how);
    this.next = el("p", "next-words");
    this.thought = el("p", "thought now");
    attributes(this.thought, { role: "group", "aria-label": "Reasoning" });
    this.reach = el("p", "reach");
    this.reach.setAttribute("role", "status");
    shown(this.reach, false);
    this.hands = new Hands(session, this.screen.canvas, (text) => { this.unreached = text; this.#reach(); });
    const holder = el("div", "screen-holder", this.screen.node);
    this.node = el("div", "screen-view", holder, this.reach, this.next, this.thought);
    this.live = new LiveScreen({
      width, fps,
      draw: (blob) => this.screen.drawLive(blob),
      trouble: (error) => this.#trouble(error),
    });
  }

  #trouble(error) {
    const refused = error?.status === 409;
    if (refused) this.#refused = { state: this.card?.state ?? "", at: Date.now() };
    this.why = refused ? error.message : "";
    this.isLive = !error;
    this.#say();
    this.#reach();
    if (error) this.screen.showStored(this.session, this.card?.image, this.width);
  }

  update(card) {
    this.card = card;
    this.screen.shape(card.image_size ?? [16, 10]);
    const wanted = card.live && card.screen;
    if (wanted && !this.live.running && this.#worthAsking(card.state)) this.live.start(this.session);
    if (!wanted) {
      this.live.stop();
      this.isLive = false;
    }
    if (!this.isLive) this.screen.showStored(this.session, card.image, this.width);
    const next = card.live ? card.next : null;
    this.screen.next(next, true);
    this.#words(next, card);
    this.#say();
    this.#reach();
  }

  /** While the user has the mouse, the picture can be worked in. */
  #reach() {
    const mine = this.card?.state === "in your hands" && this.card.screen && this.isLive;
    this.hands.allow(Boolean(mine));
    this.screen.node.classList.toggle("mine", Boolean(mine));
    setText(this.reach, mine ? this.unreached || "Click and type in the picture; Shift+Escape leaves it." : "");
    shown(this.reach, mine);
  }

  /** There is none while a session starts; else it is not worth asking again soon. */
  #worthAsking(state) {
    const { state: before, at } = this.#refused;
    return (["starting", "queued"].includes(before) && state !== before) || Date.now() - at > ASK_AGAIN;
  }

  #words(next, card) {
    const lead = { next: "next: ", doing: "now: ", done: "did: " }[next?.state] ?? "";
    setText(this.next, next ? `${lead}${next.words}` : card.live ? "" : card.words || "");
    setClass(this.next, `next-words ${next?.state ?? ""}`);
    setText(this.thought, card.live ? card.thought || "" : "");
    shown(this.thought, card.live);
    this.thought.scrollTop = this.thought.scrollHeight;
  }

  #say() {
    setText(this.how, this.isLive ? "live" : this.card?.live ? "newest screenshot" : "last screenshot");
    setClass(this.how, `how ${this.isLive ? "live" : ""}`);
    this.how.title = this.why ?? "";
  }

  close() {
    this.live.close();
  }
}
