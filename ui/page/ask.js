// What a session asks its user: a yes to one exact action, to do something by hand, or an answer in words.

import { say } from "./api.js";
import { announce } from "./announce.js";
import { button, el, setText, shown, unique } from "./dom.js";

const ARMED_AFTER = 500; // milliseconds: a press that was meant for something else must not be a yes
const LONG = 120; // characters from which on a text may need scrolling
const SPOKEN = 500; // characters of a question that are said by themselves; all of it can be read

const keyOf = ({ type, id, again, text, risk, recipient }) => JSON.stringify([type, id, again, text, risk, recipient]);

/** The text of a question; a long one is scrolled, which must work by keyboard. */
function whole(text) {
  const what = el("p", "what", text);
  if (text.length > LONG || text.includes("\n")) {
    what.tabIndex = 0;
    what.setAttribute("role", "group");
    what.setAttribute("aria-label", "All of what is asked for");
  }
  return what;
}

/** What a screen reader says when the question comes. */
function spoken(question) {
  const text = question.text.length > SPOKEN ? `${question.text.slice(0, SPOKEN)}…` : question.text;
  if (question.type === "question") return `The agent asks: ${text}`;
  const lead = question.kind === "hand_off" ? "You are asked to do this yourself" : "Your approval is needed";
  const recipient = question.recipient && `to ${question.recipient}`;
  return [`${lead}: ${text}`, question.risk, recipient].filter(Boolean).join(". ");
}

class Question {
  #busy = false;

  constructor(session, question, settled) {
    this.session = session;
    this.question = question;
    this.settled = settled;
    this.key = keyOf(question);
    this.armed = false;
    this.buttons = [];
    this.error = el("p", "error");
    this.error.setAttribute("role", "alert");
    shown(this.error, false);
    this.node = question.type === "question" ? this.#words() : this.#approval();
    this.node.append(this.error);
    this.#enable();
    // The half second begins when it has been put into the page, not while that is still being done.
    this.timer = setTimeout(() => {
      this.timer = setTimeout(() => { this.armed = true; this.#enable(); }, ARMED_AFTER);
    }, 0);
  }

  get approval() {
    return this.question.type !== "question";
  }

  #frame(name, title, ...children) {
    const heading = el("h3", "", title);
    heading.id = unique("ask");
    heading.tabIndex = -1;
    const node = el("section", `ask ${name}`, heading, ...children);
    node.setAttribute("aria-labelledby", heading.id);
    this.heading = heading;
    return node;
  }

  #button(name, label, kind, more, hint) {
    const made = button(name, label, () => this.answer(kind, more), hint);
    this.buttons.push(made);
    return made;
  }

  #approval() {
    const { kind, text, risk, recipient, source, rule, again } = this.question;
    const byHand = kind === "hand_off";
    const byRule = rule ? `by your rule “${rule}”` : "by your rules";
    const from = source === "rule" ? byRule : "asked for by the model's provider";
    const yes = byHand ? "Done, go on" : "Approve";
    return this.#frame(byHand ? "hand-off" : "confirm", byHand ? "Do this yourself" : "May it do this?",
      again ? el("p", "again", "Asked again: the screen has changed since.") : null,
      whole(text), risk ? el("p", "risk", risk) : null,
      recipient ? el("p", "recipient", el("span", "dim", "to "), recipient) : null,
      byHand ? el("p", "dim", "Take the mouse, do it, then press Done.") : null,
      el("div", "buttons", this.#button("yes", yes, "approve", {}, `${yes} (Alt+Y)`),
        this.#button("no", byHand ? "I won't" : "Deny", "deny", {}, `${byHand ? "I won't" : "Deny"} (Alt+N)`)),
      el("p", "from dim", from));
  }

  #words() {
    const { text, choices } = this.question;
    this.field = el("textarea", "");
    this.field.rows = 1;
    this.field.id = unique("answer");
    const label = el("label", "dim", choices?.length ? "or in your words" : "Your answer");
    label.htmlFor = this.field.id;
    const form = el("form", "answer-form", label, this.field);
    const send = button("", "Answer", () => this.#send());
    this.buttons.push(send);
    form.append(send);
    form.addEventListener("submit", (event) => event.preventDefault());
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#send();
    });
    const picks = (choices ?? []).map((choice) => this.#button("choice", choice, "answer", { text: choice }));
    return this.#frame("question", "It asks you", whole(text),
      picks.length ? el("div", "buttons choices", ...picks) : null, form);
  }

  #send() {
    const text = this.field.value.trim();
    if (text) this.answer("answer", { text });
    else this.#fail("Write an answer first.");
  }

  /** Send an answer; nothing happens before the question has been there for half a second. */
  async answer(kind, more = {}) {
    if (!this.armed || this.#busy) return;
    this.#busy = true;
    this.#enable();
    shown(this.error, false);
    try {
      await say(this.session, kind, { target: this.question.id, ...more });
      this.field?.dispatchEvent(new Event("said", { bubbles: true }));
      announce({ approve: "approved", deny: "denied", answer: "answered" }[kind]);
    } catch (error) {
      this.#busy = false;
      this.#enable();
      this.#fail(error.message);
    }
  }

  #enable() {
    for (const one of this.buttons) {
      one.disabled = !this.armed;
      one.setAttribute("aria-disabled", String(this.#busy)); // one that is pressed keeps the focus
    }
    this.node.classList.toggle("sent", this.#busy);
  }

  #fail(text) {
    setText(this.error, text);
    shown(this.error, true);
  }

  remove() {
    clearTimeout(this.timer);
    const focused = this.node.contains(document.activeElement);
    this.node.remove();
    return focused;
  }
}

/** All open questions of a session. `fallback()` is where the focus goes when the question that had it is gone. */
export class Asks {
  #open = new Map();

  constructor(session, fallback) {
    this.session = session;
    this.fallback = fallback;
    this.node = el("div", "asks");
    shown(this.node, false);
  }

  update(questions = []) {
    const wanted = new Map(questions.map((question) => [keyOf(question), question]));
    let lostFocus = false;
    for (const [key, view] of this.#open) {
      if (wanted.has(key)) continue;
      lostFocus = view.remove() || lostFocus;
      this.#open.delete(key);
    }
    for (const [key, question] of wanted) {
      if (this.#open.has(key)) continue;
      const view = new Question(this.session, question);
      this.#open.set(key, view);
      this.node.append(view.node);
      announce(spoken(question), view.approval ? "assertive" : "polite");
    }
    shown(this.node, this.#open.size);
    if (lostFocus) this.fallback()?.focus({ preventScroll: true });
  }

  get any() {
    return this.#open.size > 0;
  }

  /** Answer by keyboard; which one is meant must be beyond doubt. */
  answer(kind) {
    const approvals = [...this.#open.values()].filter((view) => view.approval);
    if (approvals.length === 1) approvals[0].answer(kind);
    else if (approvals.length) announce("There is more than one question; press the button you mean.", "assertive");
  }
}
