// Without the token nothing can be shown: this says how to come by it.

import { forgetToken, takeToken } from "./api.js";
import { el, setText, shown, unique } from "./dom.js";

export function locked(unlocked) {
  forgetToken();
  const field = el("input", "");
  Object.assign(field, { type: "password", id: unique("address"), autocomplete: "off", spellcheck: false });
  const label = el("label", "", "Address with the key");
  label.htmlFor = field.id;
  const error = el("p", "error");
  error.setAttribute("role", "alert");
  shown(error, false);
  const form = el("form", "", label, field, el("button", "yes", "Open"), error);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value.trim(), at = text.indexOf("#");
    const token = at >= 0 ? text.slice(at) : /^[\w-]{16,}$/.test(text) ? `#token=${text}` : "";
    if (token && takeToken(token)) unlocked();
    else {
      setText(error, "There is no key in it; paste the whole address, up to its end.");
      shown(error, true);
      field.focus();
    }
  });
  return el("main", "locked", el("h1", "", "This page needs its key"),
    el("p", "", "Deskhand opens only for those who have its address with the key in it, and each start of the service "
      + "makes a new one."),
    el("p", "", "Open the page again with ", el("code", "", "deskhand serve"),
      ", or paste the address that it prints."),
    form);
}
