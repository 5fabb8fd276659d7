// Marks on pictures: where the model points, in pixels of the image that it points in.

import { attributes, el, svg } from "./dom.js";

const percent = (value, whole) => `${(100 * value) / whole}%`;

function at(node, [x, y], image) {
  Object.assign(node.style, { left: percent(x + 0.5, image.width), top: percent(y + 0.5, image.height) });
  return node;
}

function arrow(angle) {
  const node = el("i", "arrow");
  node.style.transform = `rotate(${angle}rad)`;
  return node;
}

/** A ring at a point, with a label that stays on the picture. */
export function ringAt(point, image, label, kind = "click") {
  const node = at(el("div", `mark ${kind}`, el("i", "ring"), el("i", "dot")), point, image);
  if (label) node.append(el("b", "", label));
  const before = point[0] > image.width / 2;
  node.classList.toggle("under", point[1] < 0.08 * image.height);
  node.classList.toggle("before", before);
  if (label) {
    const room = before ? point[0] / image.width : 1 - point[0] / image.width;
    node.lastChild.style.maxWidth = `calc(${100 * room}cqw - 16px)`; // the label stays on the picture
  }
  return node;
}

function pointMark(mark, image, action) {
  const which = mark.button && mark.button !== "left" ? ` ${mark.button}` : "";
  const point = mark.points.at(-1), node = ringAt(point, image, `${mark.number}${which}`, mark.kind);
  node.classList.toggle("before", point[0] > 0.94 * image.width);
  if (mark.kind === "double_click" || mark.kind === "triple_click") node.append(el("i", "ring second"));
  if (mark.kind === "triple_click") node.append(el("i", "ring third"));
  if (mark.kind === "scroll") node.append(arrow(Math.atan2(mark.by[1], mark.by[0])));
  if (["not", "next"].includes(action?.state)) node.classList.add("ghost");
  node.title = action?.text ?? "";
  node.dataset.number = mark.number;
  return node;
}

function path(mark, image) {
  const points = mark.points.map(([x, y]) => `${x + 0.5},${y + 0.5}`).join(" ");
  const lines = ["halo", "line"].map((name) => svg("polyline", { points, class: name }));
  const viewBox = `0 0 ${image.width} ${image.height}`;
  const frame = { viewBox, preserveAspectRatio: "none", class: "path", "aria-hidden": "true" };
  return [svg("svg", frame, ...lines), at(el("div", "mark start", el("i", "dot")), mark.points[0], image)];
}

function movingBox([left, top, width, height], image) {
  const box = el("div", "moving", el("b", "", "still changing"));
  const across = (n) => percent(n, image.width), down = (n) => percent(n, image.height);
  Object.assign(box.style, { left: across(left), top: down(top), width: across(width), height: down(height) });
  return box;
}

/** Everything that is drawn on one view of a block. `actions` are its actions by number. */
export function marksOf(view, image, actions) {
  const nodes = [];
  for (const mark of view.marks ?? []) {
    if (mark.kind === "drag") nodes.push(...path(mark, image));
    nodes.push(pointMark(mark, image, actions.get(mark.number)));
  }
  if (view.moving) nodes.push(movingBox(view.moving, image));
  for (const node of nodes) attributes(node, { "aria-hidden": "true" });
  return nodes;
}
