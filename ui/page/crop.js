// The place of the next action, cut out of the screenshot that it was decided on, with a ring where it will be.

import { attributes, el, shown } from "./dom.js";
import { blobOf } from "./images.js";

const WIDTH = 112, HEIGHT = 72; // pixels of the page
const SHARP = 2; // drawn at twice that, for screens that have the pixels
const PART = 220; // pixels of the screenshot that it shows across

export class Crop {
  #key = "";

  constructor(session) {
    this.session = session;
    const size = { width: WIDTH * SHARP, height: HEIGHT * SHARP };
    this.canvas = attributes(el("canvas", ""), { role: "img", "aria-label": "The place of the next action", ...size });
    this.node = el("div", "crop", this.canvas);
    shown(this.node, false);
  }

  /** Show where `next` points; nothing where it points nowhere. */
  async show(next) {
    const key = next?.point && next.image ? `${next.image} ${next.point}` : "";
    if (key === this.#key) return;
    this.#key = key;
    shown(this.node, key);
    if (!key) return;
    try {
      const bitmap = await createImageBitmap(await blobOf(this.session, next.image));
      if (this.#key === key) this.#draw(bitmap, next);
      bitmap.close();
    } catch {
      if (this.#key === key) shown(this.node, false);
    }
  }

  #draw(bitmap, { point: [x, y], width, height }) {
    const across = Math.min(PART, width), down = Math.min((across * HEIGHT) / WIDTH, height);
    const left = Math.max(0, Math.min(width - across, x - across / 2));
    const top = Math.max(0, Math.min(height - down, y - down / 2));
    const fit = bitmap.width / width, pen = this.canvas.getContext("2d"), scale = this.canvas.width / across;
    pen.imageSmoothingQuality = "high";
    pen.drawImage(bitmap, left * fit, top * fit, across * fit, down * fit, 0, 0, this.canvas.width, this.canvas.height);
    const at = [(x + 0.5 - left) * scale, (y + 0.5 - top) * scale];
    for (const [radius, color, line] of [[11, "#fff", 5], [11, "#e5194f", 2.6]]) {
      pen.beginPath();
      pen.arc(...at, radius * SHARP, 0, 2 * Math.PI);
      Object.assign(pen, { strokeStyle: color, lineWidth: line * SHARP });
      pen.stroke();
    }
  }
}
