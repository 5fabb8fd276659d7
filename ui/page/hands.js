// The user's own hands on the agent's private desktop, through its live picture, while they have the mouse.

import { ofSession, post } from "./api.js";

const STILL = 5; // pixels of the page within which a press and a release are a click
const TYPED_TOGETHER = 60; // milliseconds in which keys become one text
const WHEEL_TOGETHER = 80;
const MOST_POINTS = 60; // of a drag
const BUTTONS = ["left", "wheel", "right"];
const MODIFIERS = [["ctrlKey", "ctrl"], ["altKey", "alt"], ["shiftKey", "shift"], ["metaKey", "super"]];
const SILENT = new Set(["Shift", "Control", "Alt", "Meta", "AltGraph", "Dead", "Process"]);
const OURS = new Set(["KeyP", "KeyY", "KeyN", "KeyT", "KeyC"]); // with Alt: the page's own shortcuts

export class Hands {
  #queue = Promise.resolve();
  #path = null;
  #typed = "";
  #typing = null;
  #wheel = null;
  on = false;

  /** `trouble(text)` hears what did not reach the screen. */
  constructor(session, canvas, trouble) {
    Object.assign(this, { session, canvas, trouble });
    const listen = (name, act, options) => {
      canvas.addEventListener(name, (event) => { if (this.on) act(event); }, options);
    };
    listen("pointerdown", (event) => this.#down(event));
    listen("pointermove", (event) => this.#move(event));
    listen("pointerup", (event) => this.#up(event));
    listen("wheel", (event) => this.#turn(event), { passive: false });
    listen("contextmenu", (event) => event.preventDefault());
    listen("keydown", (event) => this.#key(event));
  }

  /** Whether the picture can be reached for now. */
  allow(yes) {
    if (yes === this.on) return;
    this.on = yes;
    this.canvas.classList.toggle("reachable", yes);
    this.canvas.setAttribute("role", yes ? "application" : "img");
    if (yes) this.canvas.tabIndex = 0;
    else {
      this.canvas.removeAttribute("tabindex");
      this.#path = null;
    }
  }

  #point(event) {
    const box = this.canvas.getBoundingClientRect(), { width, height } = this.canvas;
    const inside = (value, most) => Math.max(0, Math.min(most - 1, Math.floor(value)));
    const x = ((event.clientX - box.left) / box.width) * width, y = ((event.clientY - box.top) / box.height) * height;
    return [inside(x, width), inside(y, height)];
  }

  #down(event) {
    event.preventDefault();
    this.canvas.focus({ preventScroll: true });
    this.canvas.setPointerCapture(event.pointerId);
    this.#path = { points: [this.#point(event)], from: [event.clientX, event.clientY], far: false };
  }

  #move(event) {
    if (!this.#path) return;
    const [x, y] = this.#path.from;
    if (Math.hypot(event.clientX - x, event.clientY - y) > STILL) this.#path.far = true;
    this.#path.points.push(this.#point(event));
  }

  #up(event) {
    const path = this.#path;
    this.#path = null;
    if (!path) return;
    const [x, y] = path.points[0];
    const button = BUTTONS[event.button] ?? "left", keys = held(event, ["shiftKey", "ctrlKey", "altKey"]);
    if (path.far && button === "left") this.#send({ type: "drag", path: thin([...path.points, this.#point(event)]) });
    else this.#send({ type: "click", x, y, button, ...keys });
  }

  #turn(event) {
    event.preventDefault();
    const [x, y] = this.#point(event), scale = this.canvas.height / this.canvas.getBoundingClientRect().height;
    const unit = event.deltaMode === 1 ? 30 : event.deltaMode === 2 ? 400 : scale;
    if (!this.#wheel) {
      this.#wheel = { across: 0, down: 0 };
      setTimeout(() => {
        const { across, down } = this.#wheel;
        this.#wheel = null;
        this.#send({ type: "scroll", x, y, scroll_x: Math.round(across), scroll_y: Math.round(down) });
      }, WHEEL_TOGETHER);
    }
    this.#wheel.across += event.deltaX * unit;
    this.#wheel.down += event.deltaY * unit;
  }

  #key(event) {
    if (event.isComposing || SILENT.has(event.key)) return;
    if (event.altKey && OURS.has(event.code)) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape" && event.shiftKey) {
      this.canvas.blur();
      return;
    }
    const graph = event.getModifierState("AltGraph");
    const plain = event.key.length <= 2 && (graph || !(event.ctrlKey || event.altKey || event.metaKey));
    if (plain && [...event.key].length === 1) this.#type(event.key);
    else this.#send({ type: "keypress", keys: [...(held(event).keys ?? []), event.key === " " ? "space" : event.key] });
  }

  #type(character) {
    this.#typed += character;
    this.#typing ??= setTimeout(() => this.#flush(), TYPED_TOGETHER);
  }

  #flush() {
    clearTimeout(this.#typing);
    this.#typing = null;
    const text = this.#typed;
    this.#typed = "";
    if (text) this.#post({ type: "type", text });
  }

  /** In order: what was typed before goes first. */
  #send(action) {
    this.#flush();
    this.#post(action);
  }

  #post(action) {
    const size = [this.canvas.width, this.canvas.height];
    this.#queue = this.#queue.then(() => post(ofSession(this.session, "/hands"), { action, size }))
      .then(() => this.trouble(""), (error) => this.trouble(error.message));
  }
}

function held(event, names = MODIFIERS.map(([name]) => name)) {
  const keys = MODIFIERS.filter(([name]) => names.includes(name) && event[name]).map(([, key]) => key);
  return keys.length ? { keys } : {};
}

/** As many points as a drag needs, the first and the last among them. */
function thin(points) {
  const step = Math.max(1, Math.ceil(points.length / MOST_POINTS));
  return points.filter((_, index) => index % step === 0 || index === points.length - 1);
}
