// A dialog with a title, fields, an error line and two buttons. Escape closes it; the focus goes back where it was.

import { button, el, setText, shown, unique } from "./dom.js";

export class Dialog {
  constructor(name, title, action) {
    const heading = el("h2", "", title);
    heading.id = unique("dialog");
    this.error = el("p", "error");
    this.error.setAttribute("role", "alert");
    shown(this.error, false);
    this.body = el("div", "fields");
    this.submit = el("button", "yes", action);
    this.form = el("form", "", heading, this.error, this.body);
    this.form.noValidate = true;
    const cancel = button("", action ? "Cancel" : "Close", () => this.node.close());
    this.form.append(el("div", "buttons", cancel, action ? this.submit : null));
    this.node = el("dialog", `sheet ${name}`, this.form);
    this.node.setAttribute("aria-labelledby", heading.id);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.node.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !action) return;
      event.preventDefault();
      this.#send();
    });
    this.node.addEventListener("close", () => this.node.remove());
  }

  /** A labelled field; `hint` is said after its name. */
  field(label, input, hint) {
    input.id ||= unique("field");
    const name = el("label", "", label);
    name.htmlFor = input.id;
    const row = el("div", "field", name, input);
    if (hint) {
      const more = el("p", "dim", hint);
      more.id = unique("hint");
      input.setAttribute("aria-describedby", more.id);
      row.append(more);
    }
    return row;
  }

  /** Show it. The main button calls `act`, and closes the dialog unless that throws. */
  open(act) {
    this.act = act;
    document.body.append(this.node);
    this.node.showModal();
  }

  fail(text, field) {
    setText(this.error, text);
    shown(this.error, true);
    if (field?.closest("details")) field.closest("details").open = true;
    this.error.scrollIntoView({ block: "nearest" });
    field?.setAttribute("aria-invalid", "true");
    field?.focus();
  }

  async #send() {
    if (this.submit.disabled) return;
    shown(this.error, false);
    for (const field of this.form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
    this.submit.disabled = true;
    try {
      await this.act();
      this.node.close();
    } catch (error) {
      this.fail(error.message, error instanceof Invalid ? error.field : null);
    } finally {
      this.submit.disabled = false;
    }
  }
}

export function input(type, values = {}) {
  const node = el(type === "area" ? "textarea" : "input", "");
  if (type !== "area") node.type = type;
  return Object.assign(node, values);
}

/** A positive number out of a field, undefined where it is empty; a clear error for anything else. */
export function numberIn(field, name, { whole = false } = {}) {
  const text = field.value.trim().replace(",", ".");
  if (!text) return undefined;
  const value = Number(text);
  if (Number.isFinite(value) && value > 0 && (!whole || Number.isInteger(value))) return value;
  throw new Invalid(`${name} must be a ${whole ? "whole " : ""}number above 0, or empty for no limit`, field);
}

/** What the user wrote into a field makes no sense. */
export class Invalid extends Error {
  constructor(message, field) {
    super(message);
    this.field = field;
  }
}
