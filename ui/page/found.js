// What a search has found, in place of the board.

import { announce } from "./announce.js";
import { get } from "./api.js";
import { CardView } from "./card.js";
import { button, el, setText, shown } from "./dom.js";
import { count } from "./format.js";
import { Gallery } from "./gallery.js";

/** Sessions that a search has found; the server looks through all of them. */
export class Found {
  #views = [];
  #turn = 0;
  active = false;
  words = "";

  constructor(changed) {
    this.changed = changed;
    this.gallery = new Gallery();
    this.heading = el("h2", "", "");
    this.cards = el("div", "cards");
    this.more = button("", "Show more", () => this.#more());
    this.error = el("p", "error");
    this.node = el("section", "found", this.heading, this.error, this.cards, this.more);
    this.node.setAttribute("aria-label", "Found sessions");
    shown(this.node, false);
  }

  async search(words) {
    const turn = ++this.#turn;
    this.words = words.trim();
    if (!this.words) {
      this.#clear();
      this.#show(false);
      return;
    }
    await this.#load(turn, "");
  }

  #show(yes) {
    this.active = yes;
    shown(this.node, yes);
    this.changed();
  }

  #more() {
    return this.#load(++this.#turn, this.#views.at(-1)?.id ?? "");
  }

  async #load(turn, last) {
    try {
      const query = new URLSearchParams({ q: this.words, limit: "30", ...(last ? { before: last } : {}) });
      const { sessions, more } = await get(`/api/sessions?${query}`);
      if (turn !== this.#turn) return;
      if (!last) this.#clear();
      this.#add(sessions, more);
    } catch (error) {
      if (turn === this.#turn) setText(this.error, error.message);
    }
    this.#show(true);
  }

  #add(sessions, more) {
    setText(this.error, "");
    for (const card of sessions) {
      const view = new CardView(card, this.gallery);
      this.#views.push(view);
      this.cards.append(view.node);
    }
    const found = this.#views.length;
    const how = `${count(found, "session")}${more ? " and more" : ""} with “${this.words}”`;
    setText(this.heading, found ? how : `No session has “${this.words}”`);
    announce(this.heading.textContent);
    shown(this.more, more);
  }

  #clear() {
    for (const view of this.#views.splice(0)) view.close();
    this.cards.replaceChildren();
  }

  close() {
    this.#clear();
    this.gallery.close();
  }
}
