// What a session has used up, as small bars against its budgets; without a budget, the figure alone.

import { attributes, el, setText, shown } from "./dom.js";
import { dollars, percent, short } from "./format.js";
import { elapsed } from "./states.js";

class Meter {
  constructor(name) {
    this.name = el("span", "meter-name", name);
    this.value = el("span", "meter-value");
    this.fill = el("i");
    this.bar = attributes(el("span", "meter-bar", this.fill), { "aria-hidden": "true" });
    this.node = el("div", "meter", this.name, this.value, this.bar);
  }

  update(text, used, limit) {
    setText(this.value, text);
    const limited = Boolean(limit);
    this.bar.classList.toggle("open", !limited);
    const share = limited ? Math.min(1, used / limit) : 0;
    const width = `${Math.round(100 * share)}%`;
    if (this.fill.style.width !== width) this.fill.style.width = width;
    this.node.classList.toggle("near", share >= 0.8);
  }
}

const of = (used, limit) => (limit ? `${used} / ${limit}` : used);

function minutes(seconds) {
  const whole = seconds / 60;
  return whole < 10 ? whole.toFixed(1) : Math.round(whole).toLocaleString("en");
}

export class Meters {
  constructor({ tokens = false } = {}) {
    this.turns = new Meter("turns");
    this.minutes = new Meter("minutes");
    this.tokens = tokens ? new Meter("tokens") : null;
    this.context = tokens ? new Meter("context") : null;
    this.money = new Meter("money");
    this.money.node.classList.add("money");
    const more = [this.tokens?.node, this.context?.node, this.money.node];
    this.node = el("div", "meters", this.turns.node, this.minutes.node, ...more);
    this.node.setAttribute("role", "group");
    this.node.setAttribute("aria-label", "Used so far");
  }

  update(card) {
    this.card = card;
    const budgets = card.budgets ?? {}, turns = card.turns ?? 0;
    this.turns.update(of(turns.toLocaleString("en"), budgets.turns), turns, budgets.turns);
    this.tick();
    const { input = 0, output = 0 } = card.tokens ?? {};
    this.tokens?.update(short(input + output), 0, null);
    if (this.context) this.#fill(card.context);
    const spent = card.cost_usd;
    shown(this.money.node, spent !== null || budgets.cost_usd);
    const limit = budgets.cost_usd;
    this.money.update(of(dollars(spent ?? 0), limit ? dollars(limit) : 0), spent ?? 0, limit);
  }

  /** How full the model is. It is made room for by itself, so nothing here warns. */
  #fill(context) {
    const { node } = this.context;
    shown(node, context);
    if (!context) return;
    const { tokens, window } = context;
    this.context.update(window ? percent(tokens / window) : short(tokens), tokens, window);
    node.classList.remove("near");
    const whole = [tokens, window].filter(Boolean).map((number) => number.toLocaleString("en")).join(" of ");
    node.title = `The last request had ${whole} tokens. Before the model is full, the conversation is made shorter.`;
  }

  /** Time goes on without events. */
  tick() {
    if (!this.card) return;
    const seconds = elapsed(this.card), limit = this.card.budgets?.minutes;
    this.minutes.update(of(minutes(seconds), limit), seconds / 60, limit);
  }
}

const ticking = new Set();
setInterval(() => {
  if (document.hidden) return;
  for (const act of ticking) act();
}, 1_000);

/** Call `act` every second while the page is seen; returns the way out. */
export function everySecond(act) {
  ticking.add(act);
  return () => ticking.delete(act);
}
