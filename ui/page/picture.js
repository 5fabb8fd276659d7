// The pictures of a block, small with marks, and one of them large on request.

import { button, el } from "./dom.js";
import { picture, prefetch } from "./images.js";
import { marksOf } from "./marks.js";

const SMALL = 640; // pixels: sharp at the size of the timeline, a tenth of the bytes

/** A turn that has used tools and left the screen alone: what they have shown comes first, the screen is small. */
function leftTheScreen(block) {
  const has = (kind) => block.items.some((item) => item.kind === kind);
  return block.kind === "turn" && has("function") && !has("actions");
}

const actionsOf = (block) => new Map(block.items.flatMap((item) => item.actions ?? []).map((one) => [one.number, one]));

/** A picture with its marks. `images` tells sizes by content. */
export function frame(session, view, images, actions, { width = 0, eager = false } = {}) {
  const image = images[view.image] ?? { width: 16, height: 10 };
  const alt = view.label === "seen" ? "The screen that this was decided on" : "The screen afterwards";
  const node = el("div", "frame", picture(session, view.image, image, { width, eager, alt }));
  node.append(...marksOf(view, image, actions));
  return node;
}

let large = null;

/** Show a view over the whole window; a click or Escape closes it, m takes the marks off. */
export function enlarge(session, view, images, actions) {
  if (!large) {
    large = el("dialog", "large");
    large.setAttribute("aria-label", "The picture, large");
    large.addEventListener("click", () => large.close());
    large.addEventListener("keydown", (event) => {
      if (event.key === "m") document.body.classList.toggle("unmarked");
    });
    document.body.append(large);
  }
  const image = images[view.image] ?? { width: 16, height: 10 };
  const node = frame(session, view, images, actions, { eager: true });
  node.style.width = `min(97vw, calc(92vh * ${image.width / image.height}))`;
  const close = button("plain", "close", () => large.close());
  large.replaceChildren(node, el("p", "under", close, el("span", "dim", "m: marks")));
  large.showModal();
}

function names(views) {
  const words = { seen: "Decided on", result: "Result", page: "Page" };
  const several = (label) => views.filter((view) => view.label === label).length > 1;
  const numbers = { seen: 0, result: 0, page: 0 };
  return views.map(({ label }) =>
    (label !== "seen" && several(label) ? `${words[label]} ${++numbers[label]}` : words[label]));
}

/** The pictures of a block: one shown, the others behind tabs. */
export class Pictures {
  #key = "";
  #shown = 0;
  #toPage = false; // whether a page that a tool has shown has come

  constructor(session) {
    this.session = session;
    this.node = el("figure", "picture");
  }

  update(block, images) {
    const actions = actionsOf(block);
    const key = JSON.stringify([block.views, [...actions.values()].map((one) => [one.state, one.text])]);
    if (key === this.#key) return;
    const first = this.#key === "";
    this.#key = key;
    if (this.#toPage !== true && block.views.some((view) => view.label === "page")) {
      this.#toPage = true;
      this.#shown = leftTheScreen(block) ? block.views.findIndex((view) => view.label === "page") : this.#shown;
    }
    Object.assign(this, { views: block.views, images, actions });
    this.#shown = Math.min(this.#shown, block.views.length - 1);
    this.node.classList.toggle("small", leftTheScreen(block) && block.views.every((view) => view.label === "seen"));
    this.#draw(!first);
  }

  #draw(eager) {
    const view = this.views[this.#shown];
    const stage = button("stage", frame(this.session, view, this.images, this.actions, { width: SMALL, eager }), () => {
      enlarge(this.session, this.views[this.#shown], this.images, this.actions);
    }, "Show this picture large");
    const tabs = names(this.views).map((name, number) => {
      const tab = button("tab", name, () => this.#show(number));
      tab.setAttribute("aria-pressed", String(number === this.#shown));
      return tab;
    });
    const below = tabs.length > 1 ? tabs : [el("span", "dim", names(this.views)[0])];
    this.node.replaceChildren(stage, el("figcaption", "", ...below));
    if (eager) for (const other of this.views) prefetch(this.session, other.image, SMALL);
  }

  #show(number) {
    this.#shown = number;
    this.#draw(true);
    this.node.querySelectorAll(".tab")[number]?.focus({ preventScroll: true });
  }
}
