// What the task has produced: always downloaded, never opened in the page.

import { ofSession, request } from "./api.js";
import { button, el, setText, shown } from "./dom.js";
import { bytes } from "./format.js";

export class FilesView {
  #key = "";

  constructor(session) {
    this.session = session;
    this.list = el("ul", "file-list");
    this.empty = el("p", "empty", "No files so far.");
    this.error = el("p", "error");
    this.error.setAttribute("role", "alert");
    this.node = el("div", "files", this.empty, this.list, this.error);
  }

  update(files = []) {
    const key = JSON.stringify(files);
    if (key === this.#key) return;
    this.#key = key;
    shown(this.empty, !files.length);
    this.list.replaceChildren(...files.map((file, number) => this.#row(file, number)));
  }

  #row({ name, path, bytes: size }, number) {
    const load = button("", "Download", () => this.#download(number, name));
    load.setAttribute("aria-label", `Download ${name}`);
    const text = el("span", "file-name", el("b", "", name), el("span", "dim", path));
    return el("li", "", text, el("span", "dim", bytes(size)), load);
  }

  /** The token goes in a header, so a plain link would not do. */
  async #download(number, name) {
    setText(this.error, "");
    try {
      const response = await request(ofSession(this.session, `/files/${number}`));
      const url = URL.createObjectURL(await response.blob());
      const link = Object.assign(document.createElement("a"), { href: url, download: name });
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } catch (error) {
      setText(this.error, error.message);
    }
  }
}
