// The board: every session as a card, in the fixed order needs you, working, paused, done.

import { announce } from "./announce.js";
import { CardView } from "./card.js";
import { button, el, place, setText, shown, unique } from "./dom.js";
import { count, dollars, firstLine } from "./format.js";
import { Found } from "./found.js";
import { Gallery } from "./gallery.js";
import { everySecond } from "./meters.js";
import { COLUMNS, spoken, worthSaying } from "./states.js";

const TITLES = { "needs you": "Needs you", working: "Working", paused: "Paused", done: "Done" };
const NOTHING = {
  "needs you": "Nobody waits for you.", working: "Nothing is at work.", paused: "Nothing is paused.",
  done: "Nothing has ended yet.",
};
const REACHING = 900; // milliseconds after the pointer or a key moved among the cards, in which none changes its place
const AT_LATEST = 4_000; // milliseconds after which it does all the same

/** Order within a column: by start, so that a card stays where it is; what has ended newest first. */
const before = (column) => (a, b) => (column === "done" ? b.id.localeCompare(a.id) : a.id.localeCompare(b.id));

class Column {
  constructor(name) {
    this.name = name;
    this.number = el("span", "number");
    const heading = el("h2", "", TITLES[name], this.number);
    heading.id = unique("column");
    this.cards = el("div", "cards");
    this.empty = el("p", "empty", NOTHING[name]);
    this.node = el("section", `column ${name.replace(" ", "-")}`, heading, this.empty, this.cards);
    this.node.setAttribute("aria-labelledby", heading.id);
  }

  /** Put the cards into their order, moving only those that are not in their place. */
  arrange(views) {
    const wanted = new Set(views.map((view) => view.node));
    for (const node of this.cards.children) if (!wanted.has(node)) node.dataset.leaving = "yes";
    let next = this.cards.firstElementChild;
    for (const { node } of [...views].sort(before(this.name))) {
      while (next && next.dataset.leaving && next !== node) next = next.nextElementSibling;
      if (next === node) next = next.nextElementSibling;
      else place(this.cards, node, next);
      delete node.dataset.leaving;
    }
    setText(this.number, String(views.length));
    shown(this.empty, !views.length);
  }
}

export class Board {
  #views = new Map();
  #where = new Map(); // id → the column that its card is in
  #columns = new Map(COLUMNS.map((name) => [name, new Column(name)]));
  #gallery = new Gallery();
  #reached = 0;
  #waitingSince = 0;
  #timer = null;

  constructor(store, startNew) {
    this.store = store;
    this.found = new Found(() => this.#searching());
    this.limits = el("p", "limits dim");
    this.welcome = welcome(startNew);
    this.columns = el("div", "columns-of-cards", ...[...this.#columns.values()].map((column) => column.node));
    const heading = el("h1", "heard", "Sessions");
    this.node = el("main", "board", heading, this.welcome, this.limits, this.found.node, this.columns);
    for (const kind of ["pointermove", "pointerdown", "keydown"]) {
      this.columns.addEventListener(kind, () => { this.#reached = performance.now(); }, { passive: true });
    }
    this.closers = [
      store.on("board", () => this.#all()),
      store.on("limits", () => this.#limits()),
      store.on("card", (card, old) => this.#one(card, old)),
      store.on("gone", (id) => this.#forget(id)),
      everySecond(() => { for (const view of this.#views.values()) view.tick(); }),
    ];
    if (store.limits) this.#all();
  }

  /** The card that a shortcut means: the one with the focus. */
  get target() {
    const node = document.activeElement?.closest?.("article.card");
    return this.#views.get(node?.dataset.session);
  }

  #all() {
    for (const id of [...this.#views.keys()]) if (!this.store.cards.has(id)) this.#forget(id);
    for (const card of this.store.cards.values()) this.#put(card);
    this.#arrange();
    this.#limits();
  }

  #one(card, old) {
    this.#put(card);
    if (old && worthSaying(old.state, card.state)) announce(`${firstLine(card.task, 60)}: ${spoken(card.state)}`);
    if (this.#where.get(card.id) !== card.column) this.#arrange();
  }

  #put(card) {
    const view = this.#views.get(card.id);
    if (view) view.update(card);
    else this.#views.set(card.id, new CardView(card, this.#gallery));
  }

  #forget(id) {
    const view = this.#views.get(id);
    if (!view) return;
    view.close();
    view.node.remove();
    this.#views.delete(id);
    this.#where.delete(id);
    this.#arrange();
  }

  /** Bring every card to its column, but not from under a hand that is reaching for one. */
  #arrange() {
    clearTimeout(this.#timer);
    const now = performance.now(), moves = [...this.#views.values()].some((view) => this.#moved(view));
    const reaching = now - this.#reached < REACHING && moves;
    this.#waitingSince = reaching ? this.#waitingSince || now : 0;
    if (reaching && now - this.#waitingSince < AT_LATEST) {
      this.#timer = setTimeout(() => this.#arrange(), 250);
      return;
    }
    this.#waitingSince = 0;
    const columns = new Map(COLUMNS.map((name) => [name, []]));
    for (const view of this.#views.values()) {
      columns.get(view.card.column)?.push(view);
      this.#where.set(view.id, view.card.column);
    }
    for (const [name, column] of this.#columns) column.arrange(columns.get(name));
    shown(this.welcome, !this.#views.size);
    this.#searching();
  }

  #moved(view) {
    const known = this.#where.get(view.id);
    return known !== undefined && known !== view.card.column;
  }

  #searching() {
    shown(this.columns, this.#views.size && !this.found.active);
  }

  #limits() {
    const { agents, running, queued, daily_cost: daily, spent_today: spent } = this.store.limits ?? {};
    const most = agents ? ` of at most ${count(agents, "agent")}` : "";
    const parts = [running ? `${running}${most} at work` : "", queued ? `${queued} queued` : ""];
    if (daily || spent) parts.push(`${dollars(spent ?? 0)}${daily ? ` of ${dollars(daily)}` : ""} spent today`);
    setText(this.limits, parts.filter(Boolean).join(" · "));
    shown(this.limits, this.limits.textContent);
  }

  close() {
    clearTimeout(this.#timer);
    for (const close of this.closers) close();
    for (const view of this.#views.values()) view.close();
    this.found.close();
    this.#gallery.close();
  }
}

function welcome(startNew) {
  const node = el("section", "welcome", el("h2", "", "Nothing has been done here yet"),
    el("p", "", "Say what you want done, and an agent does it on a screen of its own while you watch."),
    el("p", "", button("yes", "New session", startNew)),
    el("p", "dim", "From a terminal: ", el("code", "", 'deskhand run "TASK"'), ", or ",
      el("code", "", "deskhand demo"), " for an example without a key."));
  shown(node, false);
  return node;
}
