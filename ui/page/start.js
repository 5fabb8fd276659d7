// The new session: what is to be done, where, by whom, and within which limits. The choices are remembered.

import { post } from "./api.js";
import { Dialog, input, Invalid, numberIn } from "./dialog.js";
import { el } from "./dom.js";

const MORE = ["workspace", "max_turns", "max_minutes", "max_cost", "base_url", "api", "dialect"];
const REMEMBERED = "deskhand.new-session";
const COMPUTERS = {
  desktop: "a private desktop: its own screen, yours stays free",
  here: "your own screen: it moves your mouse; one session at a time",
  vm: "a virtual machine: nothing of this computer but the workspace",
};
const APIS = [["responses", "Responses (OpenAI)"], ["chat", "Chat Completions (others)"]];
const SIZES = ["1280x800", "1440x900", "1680x1050", "1920x1080"];

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(REMEMBERED)) ?? {};
  } catch {
    return {};
  }
}

function remember(values) {
  try {
    localStorage.setItem(REMEMBERED, JSON.stringify(values));
  } catch { // no room, or not allowed: then the next dialog starts from the defaults
  }
}

const NO_KEY = "No API key is set; set OPENAI_API_KEY where `deskhand serve` runs, or name a model that needs none.";

const line = (values) => input("text", { autocomplete: "off", spellcheck: false, ...values });

function choice(options, chosen) {
  const node = el("select", "");
  for (const [value, label] of options) {
    const option = el("option", "", label);
    option.value = value;
    node.append(option);
  }
  node.value = options.some(([value]) => value === chosen) ? chosen : options[0]?.[0] ?? "";
  return node;
}

function suggestions(id, values) {
  const list = el("datalist", "", ...values.map((value) => Object.assign(el("option", ""), { value })));
  list.id = id;
  return list;
}

function build(dialog, defaults) {
  const old = remembered();
  const computers = (defaults.computers?.length ? defaults.computers : ["desktop"]).map((name) => [name, name]);
  const fields = {
    task: input("area", { rows: 4, required: true, placeholder: "What do you want done?" }),
    computer: choice(computers, old.computer ?? defaults.computer),
    model: line({ value: old.model ?? "", placeholder: defaults.model ?? "" }),
    api: choice([usual(defaults.api), ...APIS], old.api),
    dialect: choice(dialects(defaults), old.dialect),
    base_url: line({ value: old.base_url ?? "", placeholder: defaults.base_url || "OpenAI's own", inputMode: "url" }),
    size: input("text", { value: old.size ?? "", placeholder: "1440x900", autocomplete: "off" }),
    open: input("area", { rows: 2, placeholder: "~/report.ods", spellcheck: false }),
    workspace: line({ value: old.workspace ?? "", placeholder: "the session's own folder" }),
    approve: choice([["ask", "ask me"], ["never", "never: refuse what needs a yes"]], old.approve),
    max_turns: input("text", { value: old.max_turns ?? "", inputMode: "numeric", placeholder: "no limit" }),
    max_minutes: input("text", { value: old.max_minutes ?? "", inputMode: "decimal", placeholder: "no limit" }),
    max_cost: input("text", { value: old.max_cost ?? "", inputMode: "decimal", placeholder: "no limit" }),
  };
  fields.size.setAttribute("list", "sizes");
  const about = el("p", "dim", "");
  const tell = () => { about.textContent = COMPUTERS[fields.computer.value.split(":")[0]] ?? ""; };
  fields.computer.addEventListener("change", tell);
  tell();
  const where = dialog.field("Computer", fields.computer);
  where.append(about);
  const fits = () => { fields.dialect.disabled = fields.api.value === "responses"; };
  fields.api.addEventListener("change", fits);
  fits();
  const details = el("details", "more", el("summary", "", "Files, limits and the model's server"),
    dialog.field("Open at the start", fields.open, "Files or commands, one a line."),
    dialog.field("Workspace", fields.workspace, "The folder where it finds and leaves files."),
    el("div", "columns", dialog.field("Turns", fields.max_turns), dialog.field("Minutes", fields.max_minutes),
      dialog.field("US dollars", fields.max_cost)),
    dialog.field("Server", fields.base_url, "The address of an OpenAI-compatible server; empty: as configured."),
    el("div", "columns two", dialog.field("API", fields.api),
      dialog.field("Dialect", fields.dialect, "How a model of another family is spoken to.")));
  details.open = MORE.some((name) => old[name]);
  dialog.body.append(...warnings(defaults), dialog.field("Task", fields.task),
    el("div", "columns two", where, dialog.field("Model", fields.model, defaults.model ? "Empty: as configured." : "")),
    el("div", "columns two", dialog.field("Screen size", fields.size, "Of a private desktop; empty: as configured."),
      dialog.field("When a yes is needed", fields.approve)),
    details, suggestions("sizes", SIZES));
  return fields;
}

const usual = (configured) => ["", configured ? `as configured: ${configured}` : "by the model's name"];

function dialects(defaults) {
  const known = (defaults.dialects ?? []).map(({ name, about }) => [name, `${name}: ${about}`]);
  return [usual(defaults.dialect), ...known];
}

function warnings(defaults) {
  const texts = [];
  if (defaults.problem) texts.push(defaults.problem);
  if (defaults.key === false) texts.push(NO_KEY);
  return texts.map((text) => el("p", "warning", text));
}

function collect(fields) {
  const text = (name) => fields[name].value.trim();
  if (!text("task")) throw new Invalid("Say what is to be done.", fields.task);
  if (text("size") && !/^\d{3,5}\s*[x×]\s*\d{3,5}$/i.test(text("size"))) {
    throw new Invalid("Write the screen size as width x height, like 1440x900.", fields.size);
  }
  const body = { task: text("task"), computer: fields.computer.value, approve: fields.approve.value };
  if (text("model")) body.model = text("model");
  if (text("size")) body.size = text("size").toLowerCase().replace("×", "x").replaceAll(" ", "");
  if (text("base_url")) body.base_url = text("base_url");
  if (fields.api.value) body.api = fields.api.value;
  if (fields.dialect.value && !fields.dialect.disabled) body.dialect = fields.dialect.value;
  if (text("workspace")) body.workspace = text("workspace");
  const open = fields.open.value.split("\n").map((line) => line.trim()).filter(Boolean);
  if (open.length) body.open = open;
  const limits = [
    ["max_turns", "Turns", { whole: true }], ["max_minutes", "Minutes", {}], ["max_cost", "US dollars", {}],
  ];
  for (const [name, label, rule] of limits) {
    const value = numberIn(fields[name], label, rule);
    if (value !== undefined) body[name] = value;
  }
  return body;
}

let dialogOpen = false;

/** Open the dialog; `started(id)` hears of the new session. */
export function newSession(defaults, started) {
  if (dialogOpen) return;
  dialogOpen = true;
  const dialog = new Dialog("new-session", "New session", "Start");
  const fields = build(dialog, defaults);
  dialog.node.addEventListener("close", () => { dialogOpen = false; });
  dialog.open(async () => {
    const body = collect(fields);
    const { session } = await post("/api/sessions", body);
    const { task, open, ...kept } = body;
    remember(kept);
    started(session);
  });
  fields.task.focus();
}
