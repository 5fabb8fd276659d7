// What this page knows of the server: the cards of the board, one session in detail, and whether the line stands.

import { get } from "./api.js";
import { Stream } from "./stream.js";

const OUT_OF_SIGHT = 30_000; // milliseconds after which a hidden page gives its connection back
const GLANCE = 10_000; // how often a hidden page looks how many sessions need the user

export class Store {
  cards = new Map();
  limits = null;
  defaults = {};
  detail = null;
  line = "connecting"; // connecting, open, lost, refused
  #listeners = new Map();
  #stream = null;
  #session = null;
  #timer = null;

  constructor() {
    document.addEventListener("visibilitychange", () => this.#seen());
  }

  /**
   * Call `act` at each change of `what`: "board", "limits", "card", "detail", "blocks", "gone", "line".
   * Returns the way out.
   */
  on(what, act) {
    const all = this.#listeners.get(what) ?? new Set();
    this.#listeners.set(what, all.add(act));
    return () => all.delete(act);
  }

  #tell(what, ...news) {
    for (const act of this.#listeners.get(what) ?? []) act(...news);
  }

  /** Watch the board and, where `session` is given, all of one session. */
  watch(session = null) {
    this.#stream?.stop();
    this.#session = session;
    this.detail = null;
    const query = session ? `?session=${encodeURIComponent(session)}` : "";
    this.#stream = new Stream(`/api/stream${query}`, {
      take: (name, data) => this.#take(name, data),
      status: (word, error) => this.#status(word, error),
    });
  }

  get needingUser() {
    return [...this.cards.values()].filter((card) => card.column === "needs you").length;
  }

  #status(word, error) {
    if (word === this.line && word !== "refused") return;
    this.line = word;
    this.#tell("line", word, error);
  }

  #take(name, data) {
    if (name === "board") this.#board(data);
    else if (name === "card") this.#card(data);
    else if (name === "limits") {
      this.limits = data;
      this.#tell("limits");
    }
    else if (name === "detail") {
      this.detail = data;
      this.#tell("detail", data);
    } else if (name === "blocks") this.#tell("blocks", data);
    else if (name === "gone") {
      this.cards.delete(data.id);
      this.#tell("gone", data.id);
    }
  }

  #board(board) {
    this.cards = new Map(board.sessions.map((card) => [card.id, card]));
    this.limits = board.limits;
    this.defaults = board.defaults ?? {};
    this.#tell("board");
  }

  #card(card) {
    const before = this.cards.get(card.id);
    this.cards.set(card.id, card);
    this.#tell("card", card, before);
  }

  // Six connections to a server are all that a browser has: a page that nobody looks at keeps none.
  #seen() {
    clearTimeout(this.#timer);
    if (!document.hidden) {
      if (this.#stream?.stopped) this.watch(this.#session);
      return;
    }
    this.#timer = setTimeout(() => {
      if (!this.#stream) return;
      this.#stream.stop();
      this.#glance();
    }, OUT_OF_SIGHT);
  }

  async #glance() {
    if (!document.hidden) return;
    try {
      this.#board(await get("/api/board"));
    } catch { // it is looked at again soon, and says so when the page is seen
    }
    this.#timer = setTimeout(() => this.#glance(), GLANCE);
  }
}
