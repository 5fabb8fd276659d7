// Numbers, times and sizes as people read them.

export const count = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 59.95) return `${seconds < 0.995 ? seconds.toFixed(2) : seconds.toFixed(1)} s`;
  const whole = Math.round(seconds), hours = Math.floor(whole / 3600), minutes = Math.floor((whole % 3600) / 60);
  return hours ? `${hours} h ${minutes} min` : `${minutes} min ${whole % 60} s`;
}

export function bytes(n) {
  if (n < 1000) return `${n} bytes`;
  return n < 1e6 ? `${(n / 1e3).toFixed(1)} kB` : `${(n / 1e6).toFixed(1)} MB`;
}

export const clock = (at) => (at ? new Date(at).toLocaleTimeString() : "");

export const day = (at) => (at ? new Date(at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }) : "");

/** How long ago, coarse enough not to flicker: "now", "40 s", "3 min", "2 h", "5 days". */
export function ago(at, now = Date.now()) {
  const seconds = Math.max(0, (now - Date.parse(at)) / 1000);
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 10) return "now";
  if (seconds < 60) return `${Math.floor(seconds / 10) * 10} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86400)} days`;
}

export function dollars(value) {
  if (value === null || value === undefined) return "";
  return `$${value.toFixed(value && value < 0.1 ? 4 : 2)}`;
}

export function money(usage) {
  if (usage.cost_usd === null) return "";
  return `${usage.estimated ? "about " : ""}$${usage.cost_usd.toFixed(4)}`;
}

/** 0.1234 → "12 %"; what is there is never "0 %". */
export function percent(share) {
  return share > 0 && share < 0.01 ? "< 1 %" : `${Math.round(100 * share)} %`;
}

/** 12,345 → "12.3 k": for places where six digits do not fit. */
export function short(number) {
  if (number < 10_000) return number.toLocaleString("en");
  return number < 1e6 ? `${(number / 1e3).toFixed(number < 1e5 ? 1 : 0)} k` : `${(number / 1e6).toFixed(1)} M`;
}

export function tokens(usage) {
  const all = usage.input_tokens + usage.output_tokens;
  if (!all) return "";
  const cached = usage.input_tokens ? Math.round((100 * usage.cached_tokens) / usage.input_tokens) : 0;
  return `${usage.estimated ? "about " : ""}${count(all, "token")}${cached ? ` (${cached} % of input cached)` : ""}`;
}

export const tokenDetails = (usage) => [
  `${usage.input_tokens.toLocaleString("en")} in, of which ${usage.cached_tokens.toLocaleString("en")} cached`,
  `${usage.output_tokens.toLocaleString("en")} out, of which ${usage.reasoning_tokens.toLocaleString("en")} reasoning`,
].join("\n");

/** The first line of a text, for titles and headings. */
export function firstLine(text, longest = 80) {
  const line = (text || "").trim().split("\n", 1)[0];
  return line.length > longest ? `${line.slice(0, longest - 1).trimEnd()}…` : line;
}
