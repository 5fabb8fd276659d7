// The live screen: JPEG frames out of a multipart stream, drawn as they come, and none while nobody looks.

import { ofSession, request } from "./api.js";

const RETRY = [500, 1_000, 2_000, 5_000]; // milliseconds
const BLANK = [13, 10, 13, 10]; // the empty line after a part's headers

/** Splits a multipart stream into the bodies of its parts; each part tells its length. */
export class PartParser {
  #buffer = new Uint8Array(0);

  push(bytes) {
    const joined = new Uint8Array(this.#buffer.length + bytes.length);
    joined.set(this.#buffer);
    joined.set(bytes, this.#buffer.length);
    this.#buffer = joined;
    const parts = [];
    for (let part = this.#next(); part; part = this.#next()) parts.push(part);
    return parts;
  }

  #next() {
    const end = find(this.#buffer, BLANK);
    if (end < 0) return null;
    const head = new TextDecoder("latin1").decode(this.#buffer.subarray(0, end));
    const length = Number(/content-length:\s*(\d+)/i.exec(head)?.[1]);
    if (!Number.isFinite(length)) throw new Error("a part of the live screen does not tell its length");
    const start = end + BLANK.length;
    if (this.#buffer.length < start + length) return null;
    const type = /content-type:\s*([\w/+.-]+)/i.exec(head)?.[1] ?? "image/jpeg";
    const part = new Blob([this.#buffer.slice(start, start + length)], { type });
    this.#buffer = this.#buffer.slice(start + length);
    return part;
  }
}

function find(bytes, wanted) {
  for (let at = bytes.indexOf(wanted[0]); at >= 0; at = bytes.indexOf(wanted[0], at + 1)) {
    if (at + wanted.length > bytes.length) return -1;
    if (wanted.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}

const path = (id, width, fps) => ofSession(id, `/live?width=${width}&fps=${fps}`);

/** Every frame as a Blob, until the stream ends or `signal` is aborted. */
export async function* frames(id, { width, fps, signal }) {
  const response = await request(path(id, width, fps), { signal });
  const reader = response.body.getReader(), parser = new PartParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(value);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** One frame, and the connection is given back. */
export async function oneFrame(id, width, patience) {
  const controller = new AbortController(), timer = setTimeout(() => controller.abort(), patience);
  try {
    for await (const frame of frames(id, { width, fps: 1, signal: controller.signal })) return frame;
    return null;
  } finally {
    clearTimeout(timer);
    controller.abort();
  }
}

/** Draws a session's screen for as long as it is wanted and somebody can see it. */
export class LiveScreen {
  #controller = null;
  #id = null;
  #seen = () => { if (document.hidden) this.#cut(); else if (this.#id) this.#run(); };

  /** `draw(blob)` gets each frame; `trouble(error)` hears why there is none, null when there is one again. */
  constructor({ width, fps, draw, trouble }) {
    Object.assign(this, { width, fps, draw, trouble });
    document.addEventListener("visibilitychange", this.#seen);
  }

  start(id) {
    if (this.#id === id) return;
    this.stop();
    this.#id = id;
    if (!document.hidden) this.#run();
  }

  stop() {
    this.#id = null;
    this.#cut();
  }

  close() {
    this.stop();
    document.removeEventListener("visibilitychange", this.#seen);
  }

  get running() {
    return this.#id !== null;
  }

  #cut() {
    this.#controller?.abort();
    this.#controller = null;
  }

  async #run() {
    this.#cut();
    const controller = new AbortController(), id = this.#id;
    this.#controller = controller;
    for (let failures = 0; this.#controller === controller; failures += 1) {
      try {
        for await (const frame of frames(id, { width: this.width, fps: this.fps, signal: controller.signal })) {
          if (failures >= 0) this.trouble(null);
          failures = -1;
          await this.draw(frame);
        }
      } catch (error) {
        if (this.#controller !== controller) return;
        this.trouble(error);
        if ([401, 404, 409].includes(error.status)) {
          this.#id = null; // there is nothing to look at; whoever knows better starts it again
          return;
        }
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY[Math.max(0, Math.min(failures, RETRY.length - 1))]));
    }
  }
}
