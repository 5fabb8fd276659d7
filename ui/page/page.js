// The page: the board, or one session.

import { setUpAnnouncements } from "./announce.js";
import { hasToken, takeToken } from "./api.js";
import { Bar } from "./bar.js";
import { Board } from "./board.js";
import { help, listen, mention, shortcut } from "./keys.js";
import { locked } from "./locked.js";
import { current, go, toSession } from "./route.js";
import { SessionPage, titleOf } from "./session.js";
import { newSession } from "./start.js";
import { Store } from "./store.js";

takeToken();
const store = new Store();
const startNew = () => newSession(store.defaults, (id) => go(toSession(id)));
const bar = new Bar(startNew);
let view = null, viewed = "";

function title() {
  const needing = store.needingUser;
  const name = view?.card ? `${titleOf(view.card)} – Deskhand` : "Deskhand";
  const text = needing ? `(${needing}) ${name}` : name;
  if (document.title !== text) document.title = text;
  bar.needs(needing);
}

function put(fresh) {
  view?.close?.();
  view = fresh;
  document.querySelector("main")?.remove();
  bar.node.after(fresh.node);
  document.body.dataset.place = fresh instanceof SessionPage ? "session" : "board";
  bar.search.parentNode.hidden = fresh instanceof SessionPage;
}

function show() {
  if (takeToken() || !hasToken()) viewed = "";
  if (!hasToken()) return lock();
  const { id, tab } = current();
  if (viewed === `session ${id}`) {
    view.tabs.choose(tab);
    return undefined;
  }
  const to = id ? `session ${id}` : "board";
  if (viewed === to) return undefined;
  viewed = to;
  put(id ? new SessionPage(store, id, tab) : new Board(store, startNew));
  if (id) view.onTitle = title;
  store.watch(id);
  title();
  return undefined;
}

function lock() {
  viewed = "locked";
  put({ node: locked(() => { viewed = ""; show(); }) });
  document.body.dataset.place = "locked";
}

const controls = () => (view instanceof SessionPage ? view : view?.target)?.controls;
const asks = () => (view instanceof SessionPage ? view : view?.target)?.asks;

function keys() {
  shortcut("n", "new session", startNew);
  shortcut("/", "search", () => {
    if (view instanceof SessionPage) return false;
    bar.search.focus();
    return true;
  });
  shortcut("?", "these keys", help);
  shortcut("Alt+P", "pause or resume", () => controls()?.toggle());
  shortcut("Alt+Y", "approve; or done by hand", () => asks()?.answer("approve"));
  shortcut("Alt+N", "deny", () => asks()?.answer("deny"));
  shortcut("Alt+T", "take the mouse, or hand it back", () => controls()?.hands());
  shortcut("c", "correct it", () => {
    if (!(view instanceof SessionPage)) return false;
    view.steer.field.focus();
    return true;
  });
  mention("Enter", "in the correction: send it, at the next boundary");
  mention("Ctrl+Enter", "in the correction: now, cutting the answer short");
  mention("Space", "in the replay: play or pause; ← → step");
  listen();
}

setUpAnnouncements();
document.body.prepend(bar.node);
bar.searched = (words) => { if (view instanceof Board) view.found.search(words); };
store.on("line", (line, error) => {
  bar.tell(line);
  if (line === "refused" && error.status === 401) lock();
});
for (const what of ["board", "card", "gone"]) store.on(what, title);
window.addEventListener("hashchange", show);
keys();
show();
