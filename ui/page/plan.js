// The model's plan: how far it has come, and every step.

import { attributes, button, el, setText, shown } from "./dom.js";

const NAMES = { pending: "to do", in_progress: "under way", done: "done" };

export function planList(steps) {
  const line = ({ step, state }) => el("li", state, el("span", "heard", `${NAMES[state] ?? state}: `), step);
  return el("ol", "steps", ...steps.map(line));
}

/** One line: a bar of steps and the step that is under way; unfolds to all of them. */
export class PlanView {
  #key = "";

  constructor() {
    this.bar = attributes(el("span", "plan-bar"), { "aria-hidden": "true" });
    this.count = el("span", "plan-count");
    this.now = el("span", "plan-now");
    this.toggle = button("plan-line", "", () => this.#open(this.list.hidden));
    this.toggle.append(this.bar, this.count, this.now);
    this.list = el("div", "plan-steps");
    this.node = el("div", "plan", this.toggle, this.list);
    this.#open(false);
    shown(this.node, false);
  }

  #open(yes) {
    shown(this.list, yes);
    this.toggle.setAttribute("aria-expanded", String(yes));
  }

  update(steps) {
    const key = JSON.stringify(steps ?? []);
    if (key === this.#key) return;
    this.#key = key;
    shown(this.node, steps?.length);
    if (!steps?.length) return;
    const done = steps.filter((step) => step.state === "done").length;
    const now = steps.find((step) => step.state === "in_progress") ?? steps.find((step) => step.state !== "done");
    this.bar.replaceChildren(...steps.map((step) => el("i", step.state)));
    setText(this.count, `${done} of ${steps.length}`);
    setText(this.now, now ? now.step : "every step is done");
    this.toggle.title = "The plan: show every step";
    this.list.replaceChildren(planList(steps));
  }
}
