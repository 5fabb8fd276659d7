// One screen of a session: a canvas that shows live frames or stored pictures, with the mark of the next action on it.

import { attributes, el, shown } from "./dom.js";
import { blobOf } from "./images.js";
import { ringAt } from "./marks.js";

export class Screen {
  #sha = "";
  #mark = "";
  #drawn = 0;

  /** `label` is the picture's name for those who cannot see it. */
  constructor(name, label) {
    this.canvas = attributes(el("canvas"), { role: "img", "aria-label": label });
    Object.assign(this.canvas, { width: 16, height: 10 });
    this.marks = attributes(el("div", "marks"), { "aria-hidden": "true" });
    this.empty = el("p", "none", "no picture yet");
    this.node = el("div", `screen ${name}`, this.canvas, this.marks, this.empty);
    shown(this.canvas, false);
  }

  /** The shape of the screen, before there is a picture: nothing jumps when it comes. */
  shape([width, height]) {
    if (this.#drawn || !width || !height) return;
    this.node.style.aspectRatio = `${width} / ${height}`;
  }

  /** Draw an encoded picture. Of two that are being decoded, the later stays. */
  async draw(blob) {
    const turn = ++this.#drawn;
    const bitmap = await createImageBitmap(blob);
    if (turn === this.#drawn) {
      const { width, height } = bitmap;
      if (this.canvas.width !== width || this.canvas.height !== height) {
        Object.assign(this.canvas, { width, height });
        this.node.style.aspectRatio = `${width} / ${height}`;
      }
      this.canvas.getContext("2d").drawImage(bitmap, 0, 0);
      shown(this.canvas, true);
      shown(this.empty, false);
    }
    bitmap.close();
  }

  /** Show a stored picture. */
  async showStored(session, sha, width) {
    if (!sha || this.#sha === sha) return;
    this.#sha = sha;
    try {
      const blob = await blobOf(session, sha, width);
      if (this.#sha === sha) await this.draw(blob);
    } catch {
      if (this.#sha === sha) this.#sha = "";
    }
  }

  /** A live frame has come: a stored picture may be shown again later, even the same one. */
  drawLive(blob) {
    this.#sha = "";
    return this.draw(blob);
  }

  /** Mark the next action, `{words, point, width, height, state}` or null. */
  next(action, withWords) {
    const wanted = action?.point && action.state !== "done" ? action : null;
    const key = wanted ? JSON.stringify([wanted.point, wanted.width, wanted.height, wanted.words, wanted.state]) : "";
    if (key === this.#mark) return;
    this.#mark = key;
    if (!wanted) {
      this.marks.replaceChildren();
      return;
    }
    const label = withWords ? wanted.words : "";
    this.marks.replaceChildren(ringAt(wanted.point, wanted, label, wanted.state === "doing" ? "doing" : "coming"));
  }
}
