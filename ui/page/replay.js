// A player over a session: each turn's picture, each action as it was pointed at, what came of it, with the words.

import { get, ofSession } from "./api.js";
import { attributes, button, el, setText } from "./dom.js";
import { prefetch } from "./images.js";
import { frame } from "./picture.js";

const SECONDS = 1.4; // a step at speed 1
const SPEEDS = [0.5, 1, 2, 4, 8];
const WIDTH = 1280;
const AHEAD = 10; // chunks fetched at once

/** What is shown of a chunk, in order: {view, words, number}. */
function stepsOf(blocks) {
  const steps = [];
  for (const block of blocks) {
    const words = block.items.filter((item) => ["words", "thought"].includes(item.kind) && !item.dropped);
    const said = (words.findLast((item) => item.kind === "words") ?? words.at(-1))?.text ?? "";
    const seen = block.views.find((view) => view.label === "seen");
    const actions = block.items.flatMap((item) => item.actions ?? []);
    if (seen) steps.push({ block, view: seen, words: said, number: 0 });
    for (const action of seen ? actions : []) {
      steps.push({ block, view: seen, words: action.text, number: action.number });
    }
    for (const view of block.views) if (view !== seen) steps.push({ block, view, words: said, number: -1 });
    if (!block.views.length && said) steps.push({ block, view: null, words: said, number: 0 });
  }
  return steps;
}

export class Replay {
  #chunks = new Map();
  #images = {};
  #chunk = 0;
  #step = 0;
  #timer = null;
  #turn = 0;
  total = 0;
  speed = 1;

  constructor(session) {
    this.session = session;
    this.stage = el("div", "replay-stage");
    this.caption = el("p", "replay-words");
    this.where = el("p", "dim");
    this.play = button("yes play", "Play", () => this.toggle(), "Play or pause (space)");
    this.slider = attributes(el("input", ""), { type: "range", min: 0, max: 0, value: 0, "aria-label": "Turn" });
    this.slider.addEventListener("input", () => this.#to(Number(this.slider.value), 0));
    const rates = SPEEDS.map((speed) => Object.assign(el("option", "", `${speed} ×`), { value: speed }));
    this.rate = el("select", "", ...rates);
    this.rate.value = "1";
    this.rate.setAttribute("aria-label", "Speed");
    this.rate.addEventListener("change", () => this.#speed(Number(this.rate.value)));
    const back = button("", "◂ Step", () => this.#by(-1), "One step back (left arrow)");
    const on = button("", "Step ▸", () => this.#by(1), "One step on (right arrow)");
    const bar = el("div", "replay-bar", this.play, back, on, this.slider, this.rate);
    this.error = el("p", "error");
    this.node = el("div", "replay", bar, this.stage, this.where, this.caption, this.error);
    this.node.addEventListener("keydown", (event) => this.#key(event));
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || /^(INPUT|SELECT)$/.test(event.target.tagName)) return;
    const onButton = event.target.tagName === "BUTTON";
    const act = {
      " ": onButton ? null : () => this.toggle(), ArrowRight: () => this.#by(1), ArrowLeft: () => this.#by(-1),
      Home: () => this.#to(0, 0), End: () => this.#to(this.total - 1, 0),
      m: () => document.body.classList.toggle("unmarked"),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  /** How many chunks there are; the first look shows the first picture. */
  update(total) {
    this.total = total;
    this.slider.max = Math.max(0, total - 1);
  }

  show() {
    this.active = true;
    if (this.total && !this.stage.firstChild) this.#to(0, 0);
  }

  hide() {
    this.active = false;
    this.pause();
  }

  get playing() {
    return this.#timer !== null;
  }

  toggle() {
    if (this.playing) this.pause();
    else {
      setText(this.play, "Pause");
      this.#timer = setTimeout(() => this.#tick(), 0);
    }
  }

  pause() {
    clearTimeout(this.#timer);
    this.#timer = null;
    setText(this.play, "Play");
  }

  #speed(speed) {
    this.speed = speed;
  }

  async #tick() {
    const moved = await this.#by(1);
    if (!this.playing) return;
    if (!moved) this.pause();
    else this.#timer = setTimeout(() => this.#tick(), (1000 * SECONDS) / this.speed);
  }

  async #chunkAt(number) {
    if (!this.#chunks.has(number)) {
      const from = Math.max(0, number - (number < this.#chunk ? AHEAD : 0));
      const to = Math.min(this.total - 1, number + AHEAD);
      const { blocks, images } = await get(ofSession(this.session, `/blocks?from=${from}&to=${to}`));
      Object.assign(this.#images, images);
      if (this.#chunks.size > 20 * AHEAD) this.#chunks.clear();
      for (let at = from; at <= to; at += 1) {
        this.#chunks.set(at, stepsOf(blocks.filter((block) => block.chunk === at)));
      }
    }
    return this.#chunks.get(number);
  }

  /** One step on or back, over chunks that show nothing; says whether there was one. */
  async #by(direction) {
    const turn = ++this.#turn;
    let chunk = this.#chunk, step = this.#step + direction;
    try {
      let steps = await this.#chunkAt(chunk);
      while (step < 0 || step >= steps.length) {
        chunk += direction;
        if (chunk < 0 || chunk >= this.total) return false;
        steps = await this.#chunkAt(chunk);
        step = direction > 0 ? 0 : steps.length - 1;
      }
      if (turn === this.#turn) this.#draw(chunk, step, steps[step]);
      return true;
    } catch (error) {
      setText(this.error, error.message);
      return false;
    }
  }

  async #to(chunk, step) {
    this.#chunk = chunk;
    this.#step = step - 1;
    this.slider.value = chunk;
    await this.#by(1);
  }

  #draw(chunk, step, shownStep) {
    this.#chunk = chunk;
    this.#step = step;
    this.slider.value = chunk;
    setText(this.error, "");
    const { block, view, words, number } = shownStep;
    setText(this.where, this.#place(shownStep));
    setText(this.caption, words);
    if (view) this.#picture(block, view, number);
    this.#ahead(chunk, step);
  }

  #place({ block, number }) {
    const turn = block.kind === "turn" ? `Turn ${block.turn}` : "Between turns";
    return `${turn} · ${number > 0 ? `action ${number}` : number < 0 ? "what came of it" : "what it saw"}`;
  }

  #picture(block, view, number) {
    const marks = number > 0 ? (view.marks ?? []).filter((mark) => mark.number === number) : [];
    const actions = new Map(block.items.flatMap((item) => item.actions ?? []).map((one) => [one.number, one]));
    const node = frame(this.session, { ...view, marks }, this.#images, actions, { width: WIDTH, eager: true });
    for (const mark of node.querySelectorAll(".mark")) mark.classList.remove("ghost");
    this.#keepUntilDrawn(node);
  }

  /** The old picture stays below the new one until that is there, so that nothing flickers. */
  #keepUntilDrawn(node) {
    const old = this.stage.lastElementChild, img = node.querySelector("img");
    const done = () => {
      while (this.stage.firstChild && this.stage.firstChild !== node) this.stage.firstChild.remove();
    };
    this.stage.append(node);
    if (!old || img.complete && img.src) done();
    else {
      img.addEventListener("load", done, { once: true });
      img.addEventListener("error", done, { once: true });
    }
  }

  async #ahead(chunk, step) {
    const steps = await this.#chunkAt(Math.min(this.total - 1, chunk + 1)).catch(() => []);
    for (const { view } of [...(this.#chunks.get(chunk) ?? []).slice(step + 1), ...steps]) {
      if (view) prefetch(this.session, view.image, WIDTH);
    }
  }

  close() {
    this.pause();
  }
}
