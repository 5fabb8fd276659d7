// Server-sent events read with fetch, since EventSource cannot send the token; it reconnects by itself.

import { request } from "./api.js";

const FIRST_WAIT = 300, LONGEST_WAIT = 5_000; // milliseconds
const SILENCE = 40_000; // the server writes a comment every 15 s: a connection that is silent for so long is dead

/** Splits what arrives into events; a piece may end anywhere, also within a character. */
export class EventParser {
  #decoder = new TextDecoder();
  #rest = "";

  push(bytes) {
    const text = this.#rest + this.#decoder.decode(bytes, { stream: true }).replaceAll("\r\n", "\n");
    const parts = text.split("\n\n");
    this.#rest = parts.pop();
    return parts.map(parse).filter((event) => event !== null);
  }
}

function parse(block) {
  let name = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(line[5] === " " ? 6 : 5));
  }
  return data.length ? { name, data: JSON.parse(data.join("\n")) } : null;
}

export class Stream {
  /** `take(name, data)` gets each event; `status(word, error)` hears "open", "lost" and, for good, "refused". */
  constructor(path, { take, status }) {
    this.path = path;
    this.take = take;
    this.status = status;
    this.wait = FIRST_WAIT;
    this.stopped = false;
    this.again = () => this.#hurry?.();
    window.addEventListener("online", this.again);
    document.addEventListener("visibilitychange", this.again);
    this.#run();
  }

  #abort = null;
  #hurry = null;

  stop() {
    this.stopped = true;
    window.removeEventListener("online", this.again);
    document.removeEventListener("visibilitychange", this.again);
    this.#abort?.abort();
    this.#hurry?.();
  }

  async #run() {
    while (!this.stopped) {
      let error = null;
      try {
        await this.#connect();
      } catch (caught) {
        error = caught;
      }
      if (this.stopped) return;
      if ([401, 404].includes(error?.status)) {
        this.status("refused", error);
        return;
      }
      this.status("lost", error);
      await this.#pause();
    }
  }

  async #connect() {
    this.#abort = new AbortController();
    const dead = () => this.#abort.abort();
    let timer = setTimeout(dead, SILENCE);
    try {
      const response = await request(this.path, { signal: this.#abort.signal });
      const reader = response.body.getReader(), parser = new EventParser();
      for (;;) {
        const { done, value } = await reader.read();
        if (done || this.stopped) return;
        clearTimeout(timer);
        timer = setTimeout(dead, SILENCE);
        for (const { name, data } of parser.push(value)) this.#hand(name, data);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #hand(name, data) {
    if (name === "board") {
      this.wait = FIRST_WAIT;
      this.status("open", null);
    }
    if (this.stopped) return;
    try {
      this.take(name, data);
    } catch (error) { // one thing that cannot be drawn must not end the line for all others
      reportError(error);
    }
  }

  #pause() {
    const wait = this.wait * (0.8 + 0.4 * Math.random());
    this.wait = Math.min(LONGEST_WAIT, this.wait * 2);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, wait);
      this.#hurry = () => { clearTimeout(timer); resolve(); };
    }).finally(() => { this.#hurry = null; });
  }
}
