// The buttons by which a session is held, stopped, taken over and handed back.

import { goOn, say } from "./api.js";
import { announce } from "./announce.js";
import { button, el, setText, shown, unique } from "./dom.js";
import { askHowToGoOn } from "./goon.js";

/** Ends after which a plain "go on" makes sense; the others need words or new limits. */
const PLAINLY = new Set(["interrupted", "stopped", "needs you", "failed"]);

/** What a screen reader says when a button was pressed. */
const UNDER_WAY = {
  pause: "pausing", resume: "resuming", take: "taking the mouse", back: "handing back",
  stop: "stopping", goOn: "going on",
};

/** What can be said to a session in this state. */
export function possible(card) {
  const { live, state } = card;
  return {
    pause: live && !["paused", "in your hands", "queued"].includes(state),
    resume: live && state === "paused",
    take: live && !["in your hands", "queued", "starting"].includes(state),
    back: live && state === "in your hands",
    stop: live,
    goOn: !live && state !== "damaged",
  };
}

export class Controls {
  #busy = new Set();

  /** `compact` leaves out what a card on the board has no room for. */
  constructor(card, { compact = false } = {}) {
    this.card = card;
    this.note = el("input", "hand-note");
    Object.assign(this.note, { type: "text", id: unique("note"), placeholder: "what you did (a note to the agent)" });
    this.note.setAttribute("aria-label", "A note to the agent about what you did");
    this.note.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) this.act("back");
    });
    this.buttons = {
      pause: this.#button("pause", "Pause", "Hold still: no action and no request (Alt+P)"),
      resume: this.#button("resume", "Resume", "Go on (Alt+P)"),
      take: compact ? null : this.#button("take", "Take the mouse", "The agent waits while you work there (Alt+T)"),
      back: this.#button("back", "Hand back", "The agent goes on, with a fresh look (Alt+T)"),
      stop: this.#button("stop", "Stop", "End the session; it can be resumed"),
      goOn: this.#button("goOn", "Resume", "Go on in a new process"),
    };
    this.error = el("p", "error");
    this.error.setAttribute("role", "alert");
    shown(this.error, false);
    const row = el("div", "buttons", compact ? null : this.note, ...Object.values(this.buttons));
    this.node = el("div", "controls", row, this.error);
    this.update(card);
  }

  #button(name, label, hint) {
    const made = button(name === "stop" ? "no" : "", label, () => this.act(name), hint);
    made.dataset.act = name;
    return made;
  }

  update(card) {
    const before = `${this.card.state} ${this.card.live}`;
    this.card = card;
    if (before !== `${card.state} ${card.live}`) {
      this.#busy.clear();
      shown(this.error, false);
    }
    const can = possible(card), focused = this.node.contains(document.activeElement) ? document.activeElement : null;
    for (const [name, made] of Object.entries(this.buttons)) {
      if (!made) continue;
      shown(made, can[name]);
      made.setAttribute("aria-disabled", String(this.#busy.has(name))); // one that is pressed keeps the focus
    }
    shown(this.note, can.back);
    setText(this.buttons.goOn, PLAINLY.has(card.state) ? "Resume" : "Go on…");
    this.#keepFocus(focused);
  }

  /** A button that turns into its opposite keeps the focus; Stop never gets it that way. */
  #keepFocus(focused) {
    if (!focused?.hidden) return;
    const name = ["resume", "pause", "back", "goOn"].find((one) => !this.buttons[one].hidden);
    if (name) this.buttons[name].focus({ preventScroll: true });
  }

  /** Do what a button does, where it makes sense now. */
  async act(name) {
    if (!possible(this.card)[name] || this.#busy.has(name)) return;
    if (name === "goOn" && !PLAINLY.has(this.card.state)) {
      askHowToGoOn(this.card);
      return;
    }
    this.#busy.add(name);
    shown(this.error, false);
    this.update(this.card);
    try {
      await this.#send(name);
      setTimeout(() => this.#release(name), 4_000); // no answer in the journal: it may be pressed again
    } catch (error) {
      this.#release(name);
      setText(this.error, error.message);
      shown(this.error, true);
    }
  }

  #release(name) {
    if (this.#busy.delete(name)) this.update(this.card);
  }

  async #send(name) {
    const { id } = this.card;
    if (name === "goOn") await goOn(id);
    else if (name === "back") {
      await say(id, "resume", { text: this.note.value.trim() });
      this.note.value = "";
    } else await say(id, name);
    announce(UNDER_WAY[name]);
  }

  /** The key that pauses and resumes. */
  toggle() {
    this.act(["pause", "resume", "back", "goOn"].find((name) => possible(this.card)[name]) ?? "pause");
  }

  /** The key that takes the mouse and hands it back. */
  hands() {
    this.act(possible(this.card).back ? "back" : "take");
  }
}
