// Requests to the server that this page came from. The token lives in this tab only, and travels in a header.

const TOKEN = "deskhand.token";

/** What the server, or the way to it, says no to; `status` is 0 where nobody answered. */
export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** Take the token out of the address, where it must not stay, and leave the rest of the fragment as the route. */
export function takeToken(text = location.hash) {
  const found = /(^#?|[?&])token=([^&]+)&?/.exec(text);
  if (!found) return false;
  sessionStorage.setItem(TOKEN, decodeURIComponent(found[2]));
  const rest = text.replace(found[0], "").replace(/^#/, "");
  history.replaceState(null, "", `${location.pathname}${location.search}${rest ? `#${rest}` : ""}`);
  return true;
}

export const hasToken = () => Boolean(sessionStorage.getItem(TOKEN));

export const forgetToken = () => sessionStorage.removeItem(TOKEN);

/** The response of a request that was granted; anything else is thrown as Refused. */
export async function request(path, { method = "GET", body, signal } = {}) {
  const headers = { Authorization: `Bearer ${sessionStorage.getItem(TOKEN) ?? ""}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const cache = method === "GET" && path.includes("/images/") ? "default" : "no-store";
  const options = { method, headers, signal, cache };
  if (body !== undefined) options.body = JSON.stringify(body);
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("Deskhand does not answer; start it again with `deskhand serve`", 0);
  }
  if (response.ok) return response;
  throw new Refused(await reason(response), response.status);
}

async function reason(response) {
  try {
    const { error, detail } = await response.json();
    return String(error ?? detail ?? response.statusText);
  } catch {
    return `the server says ${response.status} ${response.statusText}`;
  }
}

export const get = async (path, options) => (await request(path, options)).json();

export const post = async (path, body) => (await request(path, { method: "POST", body })).json();

export const ofSession = (id, rest = "") => `/api/sessions/${encodeURIComponent(id)}${rest}`;

/** A word to a session: steer, pause, resume, take, stop, approve, deny, answer. */
export const say = (id, kind, more = {}) => post(ofSession(id, "/words"), { kind, ...more });

export const goOn = (id, more = {}) => post(ofSession(id, "/go_on"), more);

// A browser opens six connections to a server, for all tabs together. One is the stream and one the live screen; the
// pictures share three, so that a press of a button never waits behind them.
const AT_ONCE = 3;
let busy = 0;
const waiting = [];

/** Carry out `act` when one of the picture slots is free. */
export async function inTurn(act) {
  if (busy >= AT_ONCE) await new Promise((resolve) => waiting.push(resolve));
  busy += 1;
  try {
    return await act();
  } finally {
    busy -= 1;
    waiting.shift()?.();
  }
}
