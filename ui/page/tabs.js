// Tabs: arrow keys move between them, as everywhere.

import { attributes, button, el, shown, unique } from "./dom.js";

const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

export class Tabs {
  /** `panels` is {name: {title, node}}; `chosen(name)` hears of each change. */
  constructor(label, panels, chosen) {
    this.panels = panels;
    this.chosen = chosen;
    this.list = attributes(el("div", "tabs"), { role: "tablist", "aria-label": label });
    this.tabs = {};
    for (const [name, panel] of Object.entries(panels)) {
      const tab = button("tab", panel.title, () => this.choose(name, true));
      tab.id = unique("tab");
      panel.node.id ||= unique("panel");
      attributes(tab, { role: "tab", "aria-controls": panel.node.id });
      attributes(panel.node, { role: "tabpanel", "aria-labelledby": tab.id });
      this.tabs[name] = tab;
      this.list.append(tab);
    }
    this.list.addEventListener("keydown", (event) => this.#key(event));
  }

  #key(event) {
    const names = Object.keys(this.tabs), at = names.indexOf(this.name);
    const step = STEPS[event.key], around = step ? (at + step + names.length) % names.length : -1;
    const to = { Home: 0, End: names.length - 1 }[event.key] ?? around;
    if (to < 0) return;
    event.preventDefault();
    this.choose(names[to], true);
    this.tabs[names[to]].focus();
  }

  choose(name, tell = false) {
    if (!this.panels[name] || name === this.name) return;
    this.name = name;
    for (const [other, tab] of Object.entries(this.tabs)) {
      attributes(tab, { "aria-selected": String(other === name), tabindex: other === name ? "0" : "-1" });
      shown(this.panels[other].node, other === name);
    }
    this.chosen(name, tell);
  }
}
