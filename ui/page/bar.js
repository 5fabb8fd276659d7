// The bar at the top: the way home, who needs the user, search, a new session, help, and whether the line stands.

import { button, el, setText, shown } from "./dom.js";
import { help } from "./keys.js";

const SEARCH_AFTER = 180; // milliseconds since the last key
const LOST = "Connection lost. Trying again…";
const LOST_AFTER = 600; // milliseconds: a line that is back at once is not worth a word

export class Bar {
  #timer = null;
  #lost = null;

  constructor(startNew) {
    const home = el("a", "home", "Deskhand");
    home.href = "#/";
    this.needing = el("a", "needing");
    this.needing.href = "#/";
    shown(this.needing, false);
    this.search = el("input", "");
    Object.assign(this.search, { type: "search", placeholder: "Search sessions", autocomplete: "off" });
    this.search.setAttribute("aria-label", "Search sessions");
    this.search.setAttribute("aria-keyshortcuts", "/");
    this.search.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.searched?.(this.search.value), SEARCH_AFTER);
    });
    this.search.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.search.value) this.clear();
    });
    this.line = el("p", "line");
    this.line.setAttribute("role", "status");
    const fresh = button("yes new", "New session", startNew, "New session (n)");
    this.node = el("header", "bar", home, this.needing, this.line, el("div", "search", this.search), fresh,
      button("help-button", "?", help, "Keys (?)"));
  }

  clear() {
    this.search.value = "";
    this.searched?.("");
  }

  needs(number) {
    setText(this.needing, number ? `${number} ${number === 1 ? "needs" : "need"} you` : "");
    shown(this.needing, number);
  }

  /** Say whether the line to the server stands. */
  tell(line) {
    clearTimeout(this.#lost);
    if (line === "lost") this.#lost = setTimeout(() => setText(this.line, LOST), LOST_AFTER);
    else setText(this.line, "");
  }
}
