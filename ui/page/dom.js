// Everything that a model, a screen or a user wrote comes in through textContent: it is shown, never interpreted.

export function el(tag, name, ...children) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

export function button(name, label, act, hint) {
  const node = el("button", name, label);
  node.type = "button";
  if (hint) {
    node.title = hint;
    if (!label || typeof label !== "string") node.setAttribute("aria-label", hint);
  }
  node.addEventListener("click", act);
  return node;
}

export function attributes(node, values) {
  for (const [name, value] of Object.entries(values)) node.setAttribute(name, value);
  return node;
}

/** Change only what is different: a text that stays keeps its selection, and nothing is laid out anew. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setClass(node, name) {
  if (node.className !== name) node.className = name;
}

export function shown(node, yes) {
  if (node.hidden === Boolean(yes)) node.hidden = !yes;
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, values, ...children) {
  const node = attributes(document.createElementNS(SVG, tag), values);
  node.append(...children);
  return node;
}

const STROKES = {
  close: "M4 4l8 8M12 4l-8 8",
  collapse: "M3 10l5-5 5 5",
  expand: "M3 6l5 5 5-5",
  plus: "M8 3v10M3 8h10",
  back: "M10 3L5 8l5 5",
};

export function icon(name) {
  const stroke = { stroke: "currentColor", "stroke-width": "1.6", "stroke-linecap": "round" };
  const line = { d: STROKES[name], fill: "none", ...stroke };
  return svg("svg", { viewBox: "0 0 16 16", width: "16", height: "16", "aria-hidden": "true" }, svg("path", line));
}

let lastId = 0;

/** An id for what `aria-labelledby` and `for` point to. */
export function unique(prefix) {
  lastId += 1;
  return `${prefix}-${lastId}`;
}

/** Move a node without losing the focus inside it, where the browser can. */
export function place(parent, node, before) {
  if (node.parentNode === parent && node.nextSibling === before) return;
  if (node.isConnected && parent.isConnected && parent.moveBefore) parent.moveBefore(node, before);
  else keepFocus(node, () => parent.insertBefore(node, before));
}

function keepFocus(node, act) {
  const focused = node.contains(document.activeElement) ? document.activeElement : null;
  act();
  focused?.focus({ preventScroll: true });
}
