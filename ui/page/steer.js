// The correction field: Enter says it at the next boundary, Ctrl+Enter now. Below it, how far each correction has come.

import { say } from "./api.js";
import { announce } from "./announce.js";
import { button, el, setClass, setText, shown, unique } from "./dom.js";

const STAGES = ["queued", "delivered", "applied"];
const MEANING = {
  sending: "sending", queued: "waits for the next boundary", delivered: "before the model",
  applied: "the model has answered with it",
  kept: "kept until the session goes on",
};
const AT_MOST = 3; // receipts that are shown

const draftKey = (session) => `deskhand.draft.${session}`;
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(6));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

class Receipt {
  constructor(words, state) {
    this.text = el("span", "receipt-text", words);
    this.state = el("span", "receipt-state");
    this.dots = el("span", "receipt-dots", ...STAGES.map(() => el("i", "")));
    this.dots.setAttribute("aria-hidden", "true");
    this.node = el("li", "", this.dots, this.text, this.state);
    this.move(state);
  }

  move(state) {
    if (state === this.at) return;
    this.at = state;
    const stage = STAGES.indexOf(state);
    [...this.dots.children].forEach((dot, index) => setClass(dot, index <= stage ? "on" : ""));
    setText(this.state, state);
    this.node.title = MEANING[state] ?? "";
    this.node.dataset.state = state;
  }
}

export class Steer {
  #receipts = new Map();
  #known = new Map(); // the server's, by id: to say only what has changed
  #first = true;

  constructor(session) {
    this.session = session;
    this.field = el("textarea", "");
    Object.assign(this.field, { rows: 1, id: unique("steer"), placeholder: "Correct it…" });
    this.field.setAttribute("aria-describedby", "steer-hint");
    this.field.value = sessionStorage.getItem(draftKey(session)) ?? "";
    this.field.addEventListener("input", () => this.#changed());
    this.field.addEventListener("keydown", (event) => this.#key(event));
    const label = el("label", "heard", "A correction to the session");
    label.htmlFor = this.field.id;
    const send = button("send", "Send", () => this.send(false), "At the next boundary (Enter)");
    const now = button("now", "Now", () => this.send(true), "Cut the model's answer short (Ctrl+Enter)");
    const how = "Enter sends it at the next boundary, Control Enter now, Shift Enter makes a new line.";
    const hint = el("p", "heard", how);
    hint.id = "steer-hint";
    this.error = el("p", "error");
    this.error.setAttribute("role", "alert");
    shown(this.error, false);
    this.list = el("ul", "receipt-list");
    this.list.setAttribute("aria-label", "Corrections");
    shown(this.list, false);
    const form = el("form", "steer-form", label, this.field, send, now, hint);
    form.addEventListener("submit", (event) => event.preventDefault());
    this.node = el("div", "steer", form, this.error, this.list);
    this.#fit();
  }

  #changed() {
    this.#fit();
    if (this.field.value) sessionStorage.setItem(draftKey(this.session), this.field.value);
    else sessionStorage.removeItem(draftKey(this.session));
  }

  #fit() {
    this.field.style.height = "auto";
    if (this.field.scrollHeight) this.field.style.height = `${Math.min(120, this.field.scrollHeight + 2)}px`;
  }

  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (!event.repeat) this.send(event.ctrlKey || event.metaKey);
  }

  async send(now) {
    const text = this.field.value.trim();
    shown(this.error, false);
    if (!text) {
      this.field.focus();
      return;
    }
    const id = newId();
    this.#put(id, text, "sending");
    this.field.value = "";
    this.#changed();
    try {
      const { kept } = await say(this.session, "steer", { text, now, id });
      if (this.#receipts.get(id)?.at === "sending") this.#put(id, text, kept ? "kept" : "queued");
      this.field.dispatchEvent(new Event("said", { bubbles: true }));
    } catch (error) {
      this.#receipts.get(id)?.node.remove();
      this.#receipts.delete(id);
      this.field.value = [text, this.field.value].filter(Boolean).join("\n"); // what was written is not lost
      this.#changed();
      setText(this.error, error.message);
      shown(this.error, true);
      shown(this.list, this.#receipts.size);
    }
  }

  #put(id, text, state) {
    const known = this.#receipts.get(id);
    if (known) {
      known.move(state);
      return;
    }
    const receipt = new Receipt(text, state);
    this.#receipts.set(id, receipt);
    this.list.append(receipt.node);
    while (this.#receipts.size > AT_MOST) {
      const [oldest, view] = this.#receipts.entries().next().value;
      view.node.remove();
      this.#receipts.delete(oldest);
    }
    shown(this.list, true);
  }

  /** The receipts that the server knows of, newest last. */
  update(receipts = []) {
    for (const { id, text, state } of receipts.slice(-AT_MOST)) {
      if (!this.#first && this.#known.get(id) !== state) announce(`correction ${state}`);
      this.#known.set(id, state);
      this.#put(id, text, state);
    }
    this.#first = false;
  }
}
