// What a screen reader says: states and questions when it has a moment, approvals at once.

import { attributes, el } from "./dom.js";

const LONGEST = 400; // characters: the whole is on the page

const regions = new Map();

export function setUpAnnouncements() {
  for (const manner of ["polite", "assertive"]) {
    const role = manner === "polite" ? "status" : "alert";
    const region = attributes(el("div", "heard"), { "aria-live": manner, role });
    region.id = `said-${manner}`;
    regions.set(manner, region);
    document.body.append(region);
  }
}

export function announce(text, manner = "polite") {
  const region = regions.get(manner);
  if (!region || !text) return;
  region.append(el("p", "", text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text));
  while (region.childElementCount > 3) region.firstChild.remove();
}
