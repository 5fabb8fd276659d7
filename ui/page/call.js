// Draws a call of a tool: what was asked, how it stands, what came back.

import { button, el } from "./dom.js";

const FIRST = 8, LAST = 4, LONG = 900; // lines and characters of an answer that are shown at once
const STATES = { now: "under way", unsure: "may or may not have happened", not: "not carried out", next: "to come" };
const SHOWN_BELOW = new Set(["ask_user", "update_plan", "remember"]); // an item of its own says what these did
const ENDED_BADLY = /^\[(?:exit (?!0\])|timed out|killed)/m;

export const folded = (title, text) => el("details", "", el("summary", "", title), el("pre", "", text));

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch { // a model may write anything
    return null;
  }
}

/** The lines of a change, those that come and those that go told apart by their first sign and by colour. */
function diff(text) {
  const kind = (line) => ({ "+": "added", "-": "removed" })[line[0]] ?? "";
  const lines = text.split("\n").map((line) => el("span", `line ${kind(line)}`, `${line}\n`));
  return el("details", "", el("summary", "", "the change"), el("pre", "diff", ...lines));
}

/** What was asked, as one reads it. */
function asked(item) {
  const told = parsed(item.arguments);
  if (item.text === "shell" && Array.isArray(told?.commands)) return folded("the commands", told.commands.join("\n"));
  const change = told?.operation?.diff ?? told?.patch;
  if (item.text === "apply_patch" && typeof change === "string") return diff(change);
  return folded(item.text, told ? JSON.stringify(told, null, 1) : item.arguments);
}

function output(item) {
  const text = item.answer.trimEnd(), lines = text.split("\n");
  const node = el("pre", `output ${ENDED_BADLY.test(text) ? "bad" : ""}`, text);
  if (item.state === "failed") return el("p", "error", text);
  if (lines.length <= FIRST + LAST + 2 && text.length <= LONG) return node;
  const many = lines.length > FIRST + LAST;
  const [head, tail] = many ? [lines.slice(0, FIRST).join("\n"), lines.slice(-LAST).join("\n")] : [text, ""];
  node.textContent = `${head.slice(0, LONG)}\n…\n${tail.slice(-LONG)}`.trimEnd();
  const all = many ? `show all ${lines.length.toLocaleString("en")} lines` : "show all of it";
  const more = button("plain", all, () => {
    node.textContent = text;
    more.remove();
    node.focus();
  });
  node.tabIndex = -1;
  return el("div", "", node, more);
}

/** A call; nothing where an item of its own says the same. */
export function call(item) {
  if (SHOWN_BELOW.has(item.text) && item.state !== "failed") return el("div", "call none");
  const name = el("p", "what", item.words || item.text.replace(/_+/g, " "));
  if (STATES[item.state]) name.append(" ", el("span", "state", STATES[item.state]));
  return el("div", `call ${item.state ?? ""}`, name, item.arguments ? asked(item) : null,
    item.answer ? output(item) : null);
}
