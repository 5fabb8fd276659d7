// The timeline: turns and what lies between them, newest at the bottom. Only a window of it is in the page, so that a
// session of 10,000 turns opens as fast as one of ten; the rest is fetched when the reader comes near.

import { get, ofSession } from "./api.js";
import { BlockView } from "./block.js";
import { attributes, button, el, setText, shown } from "./dom.js";

const STEP = 30; // chunks fetched at once
const MOST = 120; // chunks in the page, above which the far end is let go
const NEAR = 900; // pixels from an end at which more is fetched
const END = 48; // pixels from the bottom that still count as being there

class ChunkView {
  #blocks = new Map();

  constructor(session, number) {
    this.session = session;
    this.node = el("div", "chunk");
    this.node.dataset.chunk = number;
  }

  update(blocks, images) {
    const gone = new Set(this.#blocks.keys());
    for (const block of blocks) {
      gone.delete(block.key);
      const known = this.#blocks.get(block.key);
      if (known && known.kind === block.kind) {
        known.view.update(block, images);
        continue;
      }
      known?.view.node.remove();
      const view = new BlockView(this.session, block, images);
      this.#blocks.set(block.key, { view, kind: block.kind });
      this.node.append(view.node);
    }
    for (const key of gone) {
      this.#blocks.get(key).view.node.remove();
      this.#blocks.delete(key);
    }
  }
}

export class Timeline {
  total = 0;
  following = true;
  #chunks = new Map();
  #images = {};
  #from = 0; // the first chunk in the page
  #to = -1; // the last
  #busy = false;
  #last = 0;
  #frame = 0;

  constructor(session) {
    this.session = session;
    this.blocks = el("div", "chunks");
    const region = { tabindex: "0", role: "region", "aria-label": "Timeline" };
    this.scroll = attributes(el("div", "scroll", this.blocks), region);
    this.newest = button("newest", "Newest ↓", () => this.end());
    shown(this.newest, false);
    this.node = el("div", "timeline", this.#bar(), this.scroll, this.newest);
    this.scroll.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.resized = new ResizeObserver(() => { if (this.following) this.#stick(); });
    this.resized.observe(this.scroll);
  }

  #bar() {
    const range = { type: "range", min: 1, max: 1, value: 1, "aria-label": "Where in the session" };
    this.slider = attributes(el("input", ""), range);
    this.slider.addEventListener("input", () => { this.number.value = this.slider.value; });
    this.slider.addEventListener("change", () => this.jump(Number(this.slider.value)));
    const number = { type: "text", inputmode: "numeric", "aria-label": "Go to turn", size: 5 };
    this.number = attributes(el("input", ""), number);
    this.number.addEventListener("change", () => this.jump(Number(this.number.value)));
    this.of = el("span", "dim");
    this.bar = el("div", "jump", el("span", "dim", "Turn"), this.number, this.of, this.slider);
    shown(this.bar, false);
    return this.bar;
  }

  /** What the stream says has changed: whole chunks. */
  take({ chunks, changed = [], blocks, images, reset }) {
    if (reset) this.#clear();
    this.total = chunks;
    Object.assign(this.#images, images);
    const byChunk = group(blocks, changed);
    const first = Math.min(...byChunk.keys());
    if (this.#to >= 0 && first > this.#to + 1) {
      if (this.following) this.#clear();
      else return this.#counted(); // there is a gap; it is fetched when the reader gets there
    }
    for (const [number, list] of [...byChunk].sort(([a], [b]) => a - b)) {
      if (this.#to < 0) this.#start(number);
      if (number === this.#to + 1) this.#append(number, list);
      else if (number >= this.#from && number <= this.#to) this.#chunks.get(number).update(list, this.#images);
    }
    this.#after();
    return undefined;
  }

  #start(number) {
    this.#from = number;
    this.#to = number - 1;
  }

  #append(number, list) {
    const chunk = this.#make(number, list);
    this.blocks.append(chunk.node);
    this.#to = number;
  }

  #make(number, list) {
    const chunk = new ChunkView(this.session, number);
    chunk.update(list, this.#images);
    this.#chunks.set(number, chunk);
    return chunk;
  }

  #after() {
    if (this.following) {
      this.#trim("top");
      this.#stick();
    }
    this.#counted();
    this.#fill();
  }

  #counted() {
    const turns = Math.max(0, this.total - 1);
    shown(this.bar, turns > 3);
    setText(this.of, `of ${turns.toLocaleString("en")}`);
    if (this.slider.max !== String(turns)) this.slider.max = turns;
    shown(this.newest, !this.following);
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#where());
  }

  /** Tell which turn is at the top of the view. */
  #where() {
    const top = this.#firstSeen();
    const number = this.following ? this.total - 1 : Number(top?.dataset.chunk ?? this.#to);
    if (document.activeElement !== this.number) this.number.value = Math.max(1, number);
    if (document.activeElement !== this.slider) this.slider.value = Math.max(1, number);
  }

  #firstSeen() {
    const top = this.scroll.getBoundingClientRect().top, nodes = this.blocks.children;
    let low = 0, high = nodes.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (nodes[middle].getBoundingClientRect().bottom > top + 4) high = middle; else low = middle + 1;
    }
    return nodes[low];
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroll;
    const atEnd = this.#to === this.total - 1 && scrollHeight - scrollTop - clientHeight < END;
    if (atEnd) this.following = true;
    else if (scrollTop < this.#last - 1) this.following = false; // the reader has scrolled up
    this.#last = scrollTop;
    this.#counted();
    this.#fill();
  }

  #stick() {
    this.scroll.scrollTop = this.scroll.scrollHeight;
    this.#last = this.scroll.scrollTop;
  }

  /** The tab is shown again. */
  revealed() {
    if (this.following) this.#stick();
  }

  end() {
    this.following = true;
    if (this.#to === this.total - 1) this.#after();
    else this.jump(this.total - 1, true);
  }

  /** Show a turn at the top of the view. */
  async jump(number, toEnd = false) {
    if (!Number.isFinite(number)) return;
    const wanted = Math.max(0, Math.min(this.total - 1, Math.round(number)));
    this.following = toEnd;
    if (wanted < this.#from || wanted > this.#to) {
      const from = Math.max(0, wanted - (toEnd ? STEP : 5));
      const found = await this.#fetch(from, Math.min(this.total - 1, wanted + STEP));
      if (!found) return;
      this.#clear();
      this.#start(found.from);
      for (const [at, list] of found.chunks) this.#append(at, list);
    }
    if (toEnd) this.#stick();
    else this.#chunks.get(wanted)?.node.scrollIntoView({ block: "start" });
    this.#last = this.scroll.scrollTop;
    this.#counted();
    this.#fill();
  }

  /** Fetch more where the view is near an end of what is in the page. */
  async #fill() {
    if (this.#busy || this.#to < 0 || !this.scroll.clientHeight) return;
    const { scrollTop, scrollHeight, clientHeight } = this.scroll;
    if (scrollTop < NEAR && this.#from > 0) await this.#more(Math.max(0, this.#from - STEP), this.#from - 1);
    else if (scrollHeight - scrollTop - clientHeight < NEAR && this.#to < this.total - 1) {
      await this.#more(this.#to, Math.min(this.total - 1, this.#to + STEP)); // the last may have grown meanwhile
    }
  }

  async #more(from, to) {
    this.#busy = true;
    const found = await this.#fetch(from, to);
    this.#busy = false;
    if (!found) return;
    this.#keepPlace(() => {
      const up = found.to < this.#from;
      for (const [number, list] of up ? found.chunks.reverse() : found.chunks) this.#put(number, list, up);
      this.#trim(up ? "bottom" : "top");
    });
    this.#counted();
    this.#fill();
  }

  #put(number, list, up) {
    if (this.#chunks.has(number)) this.#chunks.get(number).update(list, this.#images);
    else if (up && number === this.#from - 1) {
      this.blocks.prepend(this.#make(number, list).node);
      this.#from = number;
    } else if (number === this.#to + 1) this.#append(number, list);
  }

  async #fetch(from, to) {
    try {
      const answer = await get(ofSession(this.session, `/blocks?from=${from}&to=${to}`));
      Object.assign(this.#images, answer.images);
      const numbers = Array.from({ length: answer.to - answer.from + 1 }, (_, index) => answer.from + index);
      return { from: answer.from, to: answer.to, chunks: [...group(answer.blocks, numbers)] };
    } catch {
      return null; // the line is down, which the page says; the next scroll tries again
    }
  }

  /** Change what is in the page while what is being read stays where it is. */
  #keepPlace(act) {
    const anchor = this.#firstSeen(), before = anchor?.getBoundingClientRect().top;
    act();
    if (this.following) this.#stick();
    else if (anchor?.isConnected) this.scroll.scrollTop += anchor.getBoundingClientRect().top - before;
    this.#last = this.scroll.scrollTop;
  }

  #trim(end) {
    while (this.#to - this.#from + 1 > MOST) {
      const number = end === "top" ? this.#from++ : this.#to--;
      this.#chunks.get(number)?.node.remove();
      this.#chunks.delete(number);
    }
  }

  #clear() {
    this.blocks.replaceChildren();
    this.#chunks.clear();
    this.#from = 0;
    this.#to = -1;
  }

  close() {
    this.resized.disconnect();
    cancelAnimationFrame(this.#frame);
  }
}

function group(blocks, numbers) {
  const chunks = new Map(numbers.map((number) => [number, []]));
  for (const block of blocks) chunks.set(block.chunk, [...(chunks.get(block.chunk) ?? []), block]);
  return chunks;
}
