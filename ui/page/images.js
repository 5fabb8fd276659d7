// Pictures come by fetch, with the token, and only when they are near the view. A picture never changes: its name is
// what it holds, so the browser's cache and this one may keep it.

import { inTurn, ofSession, request } from "./api.js";

const KEPT = 160; // object URLs; the oldest are given back
const urls = new Map();

/** Where to find a picture: of a session, by content, at a width in pixels (0: as it was taken). */
const pathOf = (session, sha, width) => ofSession(session, `/images/${sha}${width ? `?width=${width}` : ""}`);

export async function blobOf(session, sha, width = 0) {
  const response = await inTurn(() => request(pathOf(session, sha, width)));
  return response.blob();
}

function urlOf(session, sha, width) {
  const key = pathOf(session, sha, width);
  const known = urls.get(key);
  if (known) {
    urls.delete(key);
    urls.set(key, known);
    return known;
  }
  const url = blobOf(session, sha, width).then((blob) => URL.createObjectURL(blob));
  urls.set(key, url);
  url.catch(() => urls.delete(key));
  if (urls.size > KEPT) {
    const [oldest, old] = urls.entries().next().value;
    urls.delete(oldest);
    old.then(URL.revokeObjectURL, () => {});
  }
  return url;
}

const missing = (img) => img.closest(".frame")?.classList.add("missing");

async function load(img) {
  const { session, sha, width } = img.dataset;
  try {
    const url = await urlOf(session, sha, Number(width));
    if (img.dataset.sha === sha) img.src = url;
  } catch {
    missing(img);
  }
}

const near = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) {
    if (isIntersecting) {
      near.unobserve(target);
      load(target);
    }
  }
}, { rootMargin: "600px 0px" });

/** An `img` of a stored picture; `eager` ones do not wait until they are near the view. */
export function picture(session, sha, size, { width = 0, eager = false, alt = "" } = {}) {
  const img = document.createElement("img");
  Object.assign(img, { alt, width: size.width, height: size.height, decoding: "sync", draggable: false });
  Object.assign(img.dataset, { session, sha, width });
  img.addEventListener("error", () => missing(img));
  if (eager) load(img); else near.observe(img);
  return img;
}

/** Have a picture ready before it is wanted. */
export const prefetch = (session, sha, width = 0) => urlOf(session, sha, width).catch(() => {});
