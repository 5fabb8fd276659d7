// Going on with a session that has ended: with words, and with other limits.

import { goOn } from "./api.js";
import { announce } from "./announce.js";
import { Dialog, input, numberIn } from "./dialog.js";
import { el } from "./dom.js";

export function askHowToGoOn(card) {
  const dialog = new Dialog("go-on", "Go on with this session", "Go on");
  const words = input("area", { rows: 3 });
  const turns = input("text", { inputMode: "numeric", value: card.budgets?.turns ?? "" });
  const minutes = input("text", { inputMode: "decimal", value: card.budgets?.minutes ?? "" });
  const money = input("text", { inputMode: "decimal", value: card.budgets?.cost_usd ?? "" });
  const spent = card.state === "out of budget";
  const why = card.reason || card.outcome || "";
  dialog.body.append(
    el("p", "dim", spent ? `${card.reason || "A budget is used up"}. Raise the limit, or leave it empty.` : why),
    dialog.field("What should it do now?", words, "Added to the task. Leave it empty to go on as before."),
    el("div", "columns", dialog.field("Turns", turns), dialog.field("Minutes", minutes),
      dialog.field("US dollars", money)),
  );
  dialog.open(async () => {
    await goOn(card.id, {
      words: words.value.trim(), max_turns: numberIn(turns, "Turns", { whole: true }),
      max_minutes: numberIn(minutes, "Minutes"), max_cost: numberIn(money, "US dollars"),
    });
    announce("going on");
  });
  (spent ? turns : words).focus();
}
