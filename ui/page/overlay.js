// The overlay: one session in a small window that stays on top. The same parts as the page, arranged for 360 × 520.

import { setUpAnnouncements } from "./announce.js";
import { hasToken, takeToken } from "./api.js";
import { el, setText, shown } from "./dom.js";
import { help, listen, mention, shortcut } from "./keys.js";
import { locked } from "./locked.js";
import { OverlayView } from "./overlay-view.js";
import { Store } from "./store.js";

takeToken();
const id = new URLSearchParams(location.search).get("session");
const store = new Store();
let view = null;

function put(node) {
  document.querySelector("main")?.remove();
  document.body.prepend(node);
}

function lock() {
  view?.close();
  view = null;
  put(locked(show));
}

function show() {
  if (!hasToken()) return lock();
  if (!id) return put(el("main", "locked", el("h1", "", "No session"), el("p", "", "The address names none.")));
  view?.close();
  view = new OverlayView(store, id);
  put(view.node);
  view.adopt();
  store.watch(id);
  return undefined;
}

function title() {
  const needing = view?.card?.questions?.length;
  document.title = needing ? `(${needing}) Deskhand` : "Deskhand";
  if (!view) return;
  const others = store.needingUser - (store.cards.get(id)?.column === "needs you" ? 1 : 0);
  shown(view.others, others > 0);
  setText(view.others, others === 1 ? "1 more needs you" : `${others} more need you`);
}

function keys() {
  shortcut("Alt+P", "pause or resume", () => view?.controls?.toggle());
  shortcut("Alt+Y", "approve; or done by hand", () => view?.asks.answer("approve"));
  shortcut("Alt+N", "deny", () => view?.asks.answer("deny"));
  shortcut("Alt+T", "take the mouse, or hand it back", () => view?.controls?.hands());
  shortcut("Alt+C", "make the window small, or large again", () => view?.collapse());
  shortcut("c", "correct it", () => view?.steer.field.focus());
  shortcut("?", "these keys", help);
  mention("Enter", "in the correction: send it, at the next boundary");
  mention("Ctrl+Enter", "in the correction: now, cutting the answer short");
  listen();
}

/** Whoever has said what they had to say goes on where they were: the window gives the keyboard back. */
function giveBackKeys() {
  if (!window.pywebview) return;
  document.activeElement?.blur?.();
  window.pywebview.api?.keys_done?.();
}

function giveBackAfterTyping() {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && !document.querySelector("dialog[open]")) giveBackKeys();
  });
  document.addEventListener("said", giveBackKeys);
}

setUpAnnouncements();
giveBackAfterTyping();
window.addEventListener("pywebviewready", () => view?.adopt());
store.on("line", (line, error) => {
  view?.tell(line, error);
  if (line === "refused" && error.status === 401) lock();
});
for (const what of ["board", "card", "detail"]) store.on(what, title);
keys();
show();
