// Draws a block of the timeline, a turn or what lies between turns, and redraws only what has changed in it.

import { call, folded } from "./call.js";
import { el, button } from "./dom.js";
import { clock, duration, money, tokenDetails, tokens } from "./format.js";
import { Pictures } from "./picture.js";
import { planList } from "./plan.js";

const LONG = 900; // characters of a text that are shown at once
const STATES = {
  done: "", failed: "failed", unsure: "may or may not have happened", not: "not carried out",
  now: "under way", next: "to come",
};

/** Text with what stands between two pairs of stars in bold, as models write headings; nothing else is read in it. */
const bold = (text) => text.split(/\*\*([^*\n]+)\*\*/).map((part, index) => (index % 2 ? el("b", "", part) : part));

function prose(name, text) {
  if (text.length <= LONG) return el("p", name, ...bold(text));
  const node = el("p", name, `${text.slice(0, LONG)}… `);
  const all = `show all ${text.length.toLocaleString("en")} characters`;
  node.append(button("plain", all, () => { node.textContent = text; }));
  return node;
}

function action(one) {
  const line = el("li", `action ${one.state}`, el("b", "number", String(one.number)), el("span", "what", one.text));
  line.dataset.number = one.number;
  if (one.state === "done") line.append(el("span", "dim", duration(one.seconds)));
  else line.append(el("span", "state", STATES[one.state]));
  if (one.exact && one.exact !== one.text) line.append(el("span", "exact", one.exact));
  if (one.error) line.append(el("p", "error", one.error));
  if (one.whole) line.append(folded("the whole text", one.whole));
  return line;
}

function steer(item) {
  const receipts = item.receipts.map(({ name, at }) => el("li", name, `${name} ${clock(at)}`));
  const title = item.now ? "You said, cutting in" : "You said";
  return el("div", "said-card", el("p", "item-title", title), prose("said", item.text),
    el("ul", "receipts", ...receipts), item.envelope ? folded("as the model got it", item.envelope) : null);
}

function approval(item) {
  const title = item.ask === "hand_off" ? "You were asked to do this yourself" : "A yes was needed";
  const from = item.source === "rule" && item.rule ? el("p", "dim", `by the rule “${item.rule}”`) : null;
  const heading = item.again ? `${title}, again: the screen had changed` : title;
  return el("div", "said-card approval", el("p", "item-title", heading),
    prose("said", item.text), prose("", item.risk), item.recipient ? el("p", "", `to ${item.recipient}`) : null, from,
    el("p", "answer", item.answer || "not answered so far"));
}

function question(item) {
  const by = item.by && item.by !== "user" ? `, by ${item.by}` : "";
  const choices = item.choices?.length ? el("p", "dim", `choices: ${item.choices.join(" · ")}`) : null;
  return el("div", "said-card approval", el("p", "item-title", "The agent asked"), prose("said", item.text), choices,
    el("p", "answer", item.answer ? `“${item.answer}”${by}` : "not answered so far"));
}

const nameOf = (check) => check.message || check.code || check.id;
const checks = (item) => item.checks.map((check) => el("p", "check", `safety check: ${nameOf(check)}`));

const DRAW = {
  thought: (item) => prose("thought", item.text),
  words: (item) => prose(item.final ? "words final" : "words", item.text),
  actions: (item) => el("div", "", ...checks(item),
    item.actions.length
      ? el("ol", "actions", ...item.actions.map(action))
      : el("p", "quiet", "a call without actions")),
  function: call,
  note: (item) => el("div", "note", el("p", "item-title", "Deskhand told the model"), prose("", item.text)),
  user: (item) => el("div", "said-card", el("p", "item-title", "You said"), prose("said", item.text)),
  fault: (item) => el("div", "said-card fault", prose("", item.text), item.more ? folded("details", item.more) : null),
  retry: (item) => prose("retry", item.text),
  dropped: (item) => prose("retry", `answer dropped: ${item.text}`),
  pause: (item) => el("p", "pause", `${item.text} · ${clock(item.at)} · by ${item.by}`),
  line: (item) => el("div", "quiet", el("p", "", item.text),
    item.more ? folded(item.fold ?? "about this computer", item.more) : null),
  damage: (item) => el("p", "damage", damaged(item)),
  end: (item) => el("p", `end ${item.outcome}`, el("b", "", item.outcome.replaceAll("_", " ")), ` ${item.text}`),
  plan: (item) => el("div", "plan-item", el("p", "item-title", "The plan"), planList(item.steps)),
  steer, approval, question,
};

export const damaged = (item) =>
  `Line ${item.line} of the journal ${item.torn ? "is cut short" : "is damaged"}: ${item.text ?? item.reason}.`;

function draw(item) {
  const node = (DRAW[item.kind] ?? ((other) => prose("quiet", other.text ?? "")))(item);
  if (item.dropped) node.classList.add("dropped");
  return node;
}

const STREAMED = new Set(["thought", "words"]);

/** One item in the page; what streams in grows in place. */
class ItemView {
  constructor(item) {
    this.key = JSON.stringify(item);
    this.item = item;
    this.node = draw(item);
  }

  update(item) {
    const key = JSON.stringify(item);
    if (key === this.key) return;
    const grows = STREAMED.has(item.kind) && item.kind === this.item.kind && item.final === this.item.final
      && item.dropped === this.item.dropped && item.text.length <= LONG;
    if (grows) this.node.replaceChildren(...bold(item.text));
    else this.#redraw(item);
    this.key = key;
    this.item = item;
  }

  #redraw(item) {
    const open = [...this.node.querySelectorAll("details")].map((details) => details.open);
    const fresh = draw(item);
    fresh.querySelectorAll("details").forEach((details, index) => { details.open = Boolean(open[index]); });
    this.node.replaceWith(fresh);
    this.node = fresh;
  }
}

/** Light up an action and its mark together. */
function link(section) {
  const light = (event, on) => {
    const number = event.target.closest?.("[data-number]")?.dataset.number;
    if (!number) return;
    for (const node of section.querySelectorAll(`[data-number="${Number(number)}"]`)) node.classList.toggle("lit", on);
  };
  section.addEventListener("pointerover", (event) => light(event, true));
  section.addEventListener("pointerout", (event) => light(event, false));
}

function cost(block) {
  const spent = block.usage;
  const took = block.seconds === null ? "" : `${duration(block.seconds)}, ours ${duration(block.ours)}`;
  const time = took || (block.model ? `model ${duration(block.model)}` : "");
  const parts = [time, spent ? tokens(spent) : "", spent ? money(spent) : ""];
  return parts.filter(Boolean).join(" · ");
}

export class BlockView {
  #items = [];
  #pictures = null;

  constructor(session, block, images) {
    this.session = session;
    this.text = el("div", "text");
    this.body = el("div", "", this.text);
    this.node = el(block.kind === "turn" ? "article" : "div", `block ${block.kind}`, this.body);
    if (block.kind === "turn") this.#head(block);
    link(this.node);
    this.update(block, images);
  }

  #head(block) {
    this.cost = el("span", "cost");
    this.node.prepend(el("header", "", el("h3", "", `Turn ${block.turn}`), el("time", "", clock(block.at)), this.cost));
    this.node.setAttribute("aria-label", `Turn ${block.turn}`);
  }

  update(block, images) {
    block.items.forEach((item, index) => {
      const view = this.#items[index];
      if (view) {
        view.update(item);
        return;
      }
      this.#items.push(new ItemView(item));
      this.text.append(this.#items.at(-1).node);
    });
    for (const extra of this.#items.splice(block.items.length)) extra.node.remove();
    this.#look(block, images);
    if (!this.cost) return;
    const text = cost(block);
    if (this.cost.textContent !== text) {
      this.cost.textContent = text;
      this.cost.title = block.usage ? tokenDetails(block.usage) : "";
    }
  }

  #look(block, images) {
    if (!block.views.length) {
      this.#pictures?.node.remove();
      this.#pictures = null;
    } else {
      this.#pictures ??= new Pictures(this.session);
      if (!this.#pictures.node.isConnected) this.body.append(this.#pictures.node);
      this.#pictures.update(block, images);
    }
    this.body.classList.toggle("both", block.views.length > 0);
  }
}
