// Where the page is: #/, #/session/ID and #/session/ID/TAB.

export function current() {
  const [, place, id, tab] = decodeURIComponent(location.hash.slice(1)).split("/");
  return place === "session" && id ? { place, id, tab: tab || "timeline" } : { place: "board", id: null, tab: null };
}

export const toSession = (id, tab = "") => `#/session/${encodeURIComponent(id)}${tab ? `/${tab}` : ""}`;

export const go = (to) => { location.hash = to; };
