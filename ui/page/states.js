// The states of a session: the word for people, the tone it is shown in, and what they mean for the controls.

export const COLUMNS = ["needs you", "working", "paused", "done"];

const TONES = {
  queued: "rest", starting: "busy", thinking: "busy", acting: "busy", looking: "busy", "needs you": "you",
  "in your hands": "you", paused: "rest", "waiting for the provider": "rest", done: "good", "gave up": "bad",
  stopped: "rest", "out of budget": "bad", failed: "bad", interrupted: "bad", damaged: "bad",
};

const WORDS = { "needs you": "waiting for you", "in your hands": "you have the mouse" };

export const tone = (state) => TONES[state] ?? "rest";

export const word = (state) => WORDS[state] ?? state;

/** States that change every few seconds; saying each would drown everything else. */
const RESTLESS = new Set(["thinking", "acting", "looking", "starting"]);

export const worthSaying = (before, after) => before !== after && !(RESTLESS.has(before) && RESTLESS.has(after));

export const spoken = (state) => (RESTLESS.has(state) ? "working" : word(state));

export const atWork = (card) => card.live && !["paused", "in your hands", "queued"].includes(card.state);

/** Seconds of work by now; the card's own figure is as old as its newest event. */
export function elapsed(card) {
  const since = atWork(card) ? Math.max(0, (Date.now() - Date.parse(card.at || card.since)) / 1000) : 0;
  return (card.seconds || 0) + (Number.isFinite(since) ? since : 0);
}
