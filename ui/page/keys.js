// Keyboard shortcuts: one list, which is also what the help shows. While somebody types, only those with Alt fire.

import { Dialog } from "./dialog.js";
import { el } from "./dom.js";

const shortcuts = [];

const typing = (node) => node.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(node.tagName ?? "");

/**
 * Bind a key. `key` is a character, or `Alt+P` for a physical key with Alt (which works in fields, too).
 * `act` may return false: the key was not meant for us.
 */
export function shortcut(key, meaning, act) {
  const alt = key.startsWith("Alt+");
  shortcuts.push({ key, alt, code: alt ? `Key${key.slice(4)}` : "", meaning, act });
}

/** A key that only the help tells of; its field or player knows it itself. */
export function mention(key, meaning) {
  shortcuts.push({ key, meaning, act: null });
}

export function listen() {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.repeat || event.isComposing || document.querySelector("dialog[open]")) return;
    const found = shortcuts.find((one) => one.act && fits(one, event));
    if (found && found.act(event) !== false) event.preventDefault();
  });
}

function fits(one, event) {
  if (one.alt) return event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.code === one.code;
  return !event.altKey && !event.ctrlKey && !event.metaKey && event.key === one.key && !typing(event.target);
}

export function help() {
  const dialog = new Dialog("help", "Keys", "");
  const rows = shortcuts.map(({ key, meaning }) =>
    el("div", "", el("dt", "", ...key.split("+").map((part) => el("kbd", "", part))), el("dd", "", meaning)));
  dialog.body.append(el("dl", "keys", ...rows));
  dialog.open(async () => {});
}
