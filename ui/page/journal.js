// The journal as it grows: every entry as it was written. The newest are shown; earlier ones on request.

import { get, ofSession } from "./api.js";
import { attributes, button, el, setText, shown } from "./dom.js";
import { clock } from "./format.js";

const PAGE = 300; // entries fetched at once
const MOST = 1500; // rows in the page
const LONG = 4_000; // characters of an entry that are shown at once
const PAUSE = 400; // milliseconds between two looks

function row(entry) {
  const { v, seq, at, type, crc, ...rest } = entry;
  const short = JSON.stringify(rest);
  const number = el("span", "seq", String(seq ?? "?"));
  const summary = el("summary", "", number, el("span", "dim", clock(at)), el("b", "", type ?? "?"),
    el("span", "short", short.slice(0, 200)));
  const details = el("details", "entry", summary);
  details.addEventListener("toggle", () => {
    if (!details.open || details.childElementCount > 1) return;
    const text = JSON.stringify(entry, null, 2);
    const whole = el("pre", "", text.slice(0, LONG));
    details.append(whole);
    if (text.length <= LONG) return;
    details.append(button("plain", `show all ${text.length.toLocaleString("en")} characters`, (event) => {
      setText(whole, text);
      event.target.remove();
    }));
  }, { once: true });
  return details;
}

export class JournalView {
  #first = 0; // the first seq shown
  #last = 0;
  #busy = false;
  #again = false;
  #started = false;
  active = false;

  constructor(session) {
    this.session = session;
    this.earlier = button("plain", "earlier entries", () => this.#back());
    this.rows = el("div", "rows");
    this.error = el("p", "error");
    const region = { tabindex: "0", role: "region", "aria-label": "Journal" };
    this.scroll = attributes(el("div", "scroll", this.earlier, this.rows, this.error), region);
    this.node = el("div", "journal", this.scroll);
    shown(this.earlier, false);
  }

  /** The journal may have grown. */
  async changed() {
    if (!this.active || !this.scroll.clientHeight) return; // not seen: read when it is
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    try {
      if (!this.#started) await this.#start();
      else await this.#forward();
      setText(this.error, "");
    } catch (error) {
      setText(this.error, error.message);
    }
    setTimeout(() => {
      this.#busy = false;
      if (this.#again) {
        this.#again = false;
        this.changed();
      }
    }, PAUSE);
  }

  #page(after, limit) {
    return get(ofSession(this.session, `/journal?after=${after}&limit=${limit}`));
  }

  /** Begin with the newest page. */
  async #start() {
    const { entries } = await this.#page(-PAGE, PAGE);
    const after = Math.max(0, (entries[0]?.seq ?? 1) - 1);
    this.#started = true;
    this.#first = after;
    this.#put(entries);
    shown(this.earlier, after > 0);
    this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  async #forward() {
    for (;;) {
      const { entries } = await this.#page(this.#last, PAGE);
      const atEnd = this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < 40;
      this.#put(entries);
      if (atEnd) this.scroll.scrollTop = this.scroll.scrollHeight;
      if (entries.length < PAGE) return;
    }
  }

  #put(entries) {
    if (!entries.length) return;
    this.rows.append(...entries.map(row));
    this.#last = entries.at(-1).seq ?? this.#last + entries.length;
    while (this.rows.childElementCount > MOST) {
      this.rows.firstChild.remove();
      shown(this.earlier, true);
      this.#first += 1;
    }
  }

  async #back() {
    const after = Math.max(0, this.#first - PAGE);
    try {
      const { entries } = await this.#page(after, this.#first - after);
      const before = this.scroll.scrollHeight;
      this.rows.prepend(...entries.map(row));
      this.scroll.scrollTop += this.scroll.scrollHeight - before;
      this.#first = after;
      shown(this.earlier, after > 0);
    } catch (error) {
      setText(this.error, error.message);
    }
  }
}
