// The small live pictures of the board. A browser has six connections to a server, so twenty streams are out of the
// question: each card in view gets a frame in turn, sooner when something has happened in its session.

import { inTurn } from "./api.js";
import { oneFrame } from "./live.js";

const WIDTH = 320; // pixels
const AFTER_CHANGE = 1_000, AT_REST = 4_000, AFTER_FAILURE = 15_000; // milliseconds between two frames of one card
const PATIENCE = 2_500; // milliseconds for one frame
const TICK = 200;
const WORKERS = 2;

export class Gallery {
  #views = new Map(); // view → {seen, at, dirty, failed}
  #working = 0;
  #timer = setInterval(() => this.#work(), TICK);
  #watcher = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting } of seen) {
      const view = this.#byNode.get(target), about = this.#views.get(view);
      if (!about) continue;
      about.seen = isIntersecting;
      if (isIntersecting) this.#look(view, about);
    }
  }, { rootMargin: "150px 0px" });
  #byNode = new Map();

  add(view) {
    this.#views.set(view, { seen: false, at: 0, dirty: true, failed: false, busy: false });
    this.#byNode.set(view.node, view);
    this.#watcher.observe(view.node);
  }

  remove(view) {
    this.#watcher.unobserve(view.node);
    this.#byNode.delete(view.node);
    this.#views.delete(view);
  }

  /** Something has happened in this session. */
  changed(view) {
    const about = this.#views.get(view);
    if (!about) return;
    about.dirty = true;
    if (about.seen) this.#look(view, about);
  }

  #look(view, about) {
    if (!view.card.screen || about.failed || !about.at) view.showStored();
  }

  #due(about, now) {
    if (about.failed) return about.seen && !about.busy && now - about.at >= AFTER_FAILURE;
    return about.seen && !about.busy && now - about.at >= (about.dirty ? AFTER_CHANGE : AT_REST);
  }

  #work() {
    if (document.hidden) return;
    const now = performance.now();
    const due = [...this.#views].filter(([view, about]) => view.card.live && view.card.screen && this.#due(about, now));
    due.sort(([, a], [, b]) => a.at - b.at);
    for (const [view, about] of due.slice(0, WORKERS - this.#working)) this.#visit(view, about);
  }

  async #visit(view, about) {
    Object.assign(about, { at: performance.now(), dirty: false, busy: true });
    this.#working += 1;
    try {
      const frame = await inTurn(() => oneFrame(view.id, WIDTH, PATIENCE));
      about.failed = !frame;
      if (frame) await view.screen.drawLive(frame);
    } catch { // no screen to look at, or not now: the newest screenshot stands in
      about.failed = true;
    }
    if (about.failed) view.showStored();
    this.#working -= 1;
    about.busy = false;
  }

  close() {
    clearInterval(this.#timer);
    this.#watcher.disconnect();
  }
}
