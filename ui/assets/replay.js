"use strict";
// Everything that a model or a screen wrote comes in through textContent: it is shown, never interpreted.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const main = document.getElementById("main");
  const large = document.getElementById("large");

  // ---- small helpers

  function el(tag, name, ...children) {
    const node = document.createElement(tag);
    if (name) node.className = name;
    node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return node;
  }

  function button(name, label, act, hint) {
    const node = el("button", name, label);
    node.type = "button";
    if (hint) { node.title = hint; if (!label) node.setAttribute("aria-label", hint); }
    node.addEventListener("click", act);
    return node;
  }

  const count = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
  function duration(seconds) {
    if (seconds === null || seconds === undefined) return "";
    if (seconds < 59.95) return `${seconds < 0.995 ? seconds.toFixed(2) : seconds.toFixed(1)} s`;
    const whole = Math.round(seconds), hours = Math.floor(whole / 3600), minutes = Math.floor((whole % 3600) / 60);
    return hours ? `${hours} h ${minutes} min` : `${minutes} min ${whole % 60} s`;
  }

  const bytes = (n) => n < 1000 ? `${n} bytes` : n < 1e6 ? `${(n / 1e3).toFixed(1)} kB` : `${(n / 1e6).toFixed(1)} MB`;
  const clock = (at) => at ? new Date(at).toLocaleTimeString() : "";
  const money = (usage) => usage.cost_usd === null ? "" : `${usage.estimated ? "about " : ""}$${usage.cost_usd.toFixed(4)}`;

  function tokens(usage) {
    const all = usage.input_tokens + usage.output_tokens;
    if (!all) return "";
    const cached = usage.input_tokens ? Math.round(100 * usage.cached_tokens / usage.input_tokens) : 0;
    return `${usage.estimated ? "about " : ""}${count(all, "token")}${cached ? ` (${cached} % of input cached)` : ""}`;
  }

  const tokenDetails = (usage) => [
    `${usage.input_tokens.toLocaleString("en")} in, of which ${usage.cached_tokens.toLocaleString("en")} cached`,
    `${usage.output_tokens.toLocaleString("en")} out, of which ${usage.reasoning_tokens.toLocaleString("en")} reasoning`,
  ].join("\n");

  function total(blocks) {
    const sum = { input_tokens: 0, cached_tokens: 0, output_tokens: 0, reasoning_tokens: 0, cost_usd: null, estimated: false };
    for (const { usage } of blocks) {
      if (!usage) continue;
      for (const key of ["input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens"]) sum[key] += usage[key];
      if (usage.cost_usd !== null) sum.cost_usd = (sum.cost_usd ?? 0) + usage.cost_usd;
      sum.estimated ||= usage.estimated;
    }
    return sum;
  }

  const LONG = 900;
  function prose(name, text) {
    if (text.length <= LONG) return el("p", name, text);
    const all = button("plain", `show all ${text.length.toLocaleString("en")} characters`, () => { all.parentNode.textContent = text; });
    return el("p", name, `${text.slice(0, LONG)}… `, all);
  }

  function folded(title, text) {
    return el("details", "", el("summary", "", title), el("pre", "", text));
  }

  // ---- pictures: each is in the page once, and becomes an image when it comes into view

  const urls = new Map();

  function urlOf(number) {
    if (!urls.has(number)) {
      const holder = document.getElementById(`image-${number}`);
      if (!holder) return "";
      const text = atob(holder.textContent);
      const content = new Uint8Array(text.length);
      for (let i = 0; i < text.length; i++) content[i] = text.charCodeAt(i);
      urls.set(number, URL.createObjectURL(new Blob([content], { type: data.images[number].media_type })));
    }
    return urls.get(number);
  }

  const missing = (img) => img.closest(".frame")?.classList.add("missing");

  function load(img) {
    const url = urlOf(Number(img.dataset.number));
    if (url) img.src = url;
    else if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => load(img), { once: true });
    else missing(img);
  }

  const near = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting } of seen) if (isIntersecting) { near.unobserve(target); load(target); }
  }, { rootMargin: "1200px 0px" });

  const percent = (value, whole) => `${100 * value / whole}%`;

  function at(node, [x, y], image) {
    Object.assign(node.style, { left: percent(x + 0.5, image.width), top: percent(y + 0.5, image.height) });
    return node;
  }

  function pointMark(mark, image, words) {
    const [x, y] = mark.points.at(-1), node = at(el("div", `mark ${mark.kind}`), [x, y], image);
    const tip = [el("i", "ring"), el("i", "dot")];
    if (mark.kind === "double_click" || mark.kind === "triple_click") tip.push(el("i", "ring second"));
    if (mark.kind === "triple_click") tip.push(el("i", "ring third"));
    if (mark.kind === "scroll") tip.push(arrow(Math.atan2(mark.by[1], mark.by[0])));
    const which = mark.button && mark.button !== "left" ? ` ${mark.button}` : "";
    node.append(...tip, el("b", "", `${mark.number}${which}`));
    node.classList.toggle("under", y < 0.05 * image.height); // the label stays on the picture
    node.classList.toggle("before", x > 0.94 * image.width);
    node.title = words;
    node.dataset.number = mark.number;
    return node;
  }

  function arrow(angle) {
    const node = el("i", "arrow");
    node.style.transform = `rotate(${angle}rad)`;
    return node;
  }

  const SVG = "http://www.w3.org/2000/svg";
  function path(mark, image) {
    const svg = document.createElementNS(SVG, "svg");
    const attributes = { viewBox: `0 0 ${image.width} ${image.height}`, preserveAspectRatio: "none", class: "path" };
    for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
    const points = mark.points.map(([x, y]) => `${x + 0.5},${y + 0.5}`).join(" ");
    for (const name of ["halo", "line"]) {
      const line = document.createElementNS(SVG, "polyline");
      line.setAttribute("points", points);
      line.setAttribute("class", name);
      svg.append(line);
    }
    return [svg, at(el("div", "mark start", el("i", "dot")), mark.points[0], image)];
  }

  function frame(view, words, eager) {
    const image = data.images[view.image];
    const img = el("img");
    img.alt = view.label === "seen" ? "The screen that this was decided on" : "The screen afterwards";
    Object.assign(img, { width: image.width, height: image.height, decoding: "sync" });
    img.dataset.number = view.image;
    img.addEventListener("error", () => missing(img));
    const node = el("div", "frame", img);
    for (const mark of view.marks ?? []) {
      if (mark.kind === "drag") node.append(...path(mark, image));
      const point = pointMark(mark, image, words.get(mark.number)?.text ?? "");
      if (["not", "next"].includes(words.get(mark.number)?.state)) point.classList.add("ghost");
      node.append(point);
    }
    if (view.moving) {
      const [left, top, width, height] = view.moving, box = el("div", "moving", el("b", "", "still changing"));
      const across = (n) => percent(n, image.width), down = (n) => percent(n, image.height);
      Object.assign(box.style, { left: across(left), top: down(top), width: across(width), height: down(height) });
      node.append(box);
    }
    if (eager) load(img); else near.observe(img);
    return node;
  }

  function picture(block) {
    const words = new Map(block.items.flatMap((item) => item.actions ?? []).map((action) => [action.number, action]));
    const results = block.views.filter((view) => view.label === "result").length;
    const page = words.size ? -1 : block.views.findIndex((view) => view.label === "page"); // what a tool has shown
    let shown = Math.max(0, page), done = 0;
    const names = block.views.map(({ label }) => ({ seen: "Decided on", page: "Page" })[label] ?? (results > 1 ? `Result ${++done}` : "Result"));
    const stage = el("div", "stage", frame(block.views[shown], words));
    const tabs = names.map((name, number) => button("tab", name, () => show(number)));
    const figure = el("figure", "picture", stage, el("figcaption", "", ...tabs, button("plain", "larger", () => enlarge())));
    function show(number) {
      shown = number;
      stage.replaceChildren(frame(block.views[number], words, figure.dataset.ready));
      mark();
    }
    function mark() { tabs.forEach((tab, number) => tab.setAttribute("aria-pressed", String(number === shown))); }
    function enlarge() {
      const image = data.images[block.views[shown].image], copy = frame(block.views[shown], words, true);
      copy.style.width = `min(97vw, calc(94vh * ${image.width / image.height}))`;
      large.replaceChildren(copy);
      large.showModal();
    }
    stage.addEventListener("click", enlarge);
    mark();
    figure.dataset.ready = "yes";
    return Object.assign(figure, { enlarge, next: () => show((shown + 1) % block.views.length) });
  }

  // ---- the text of a block

  const STATES = {
    done: "", failed: "failed", unsure: "may or may not have happened", not: "not carried out", now: "under way", next: "to come",
  };

  function action(one) {
    const line = el("li", `action ${one.state}`, el("b", "number", String(one.number)), el("span", "what", one.text));
    line.dataset.number = one.number;
    if (one.state === "done") line.append(el("span", "dim", duration(one.seconds)));
    else line.append(el("span", "state", STATES[one.state]));
    if (one.error) line.append(el("p", "error", one.error));
    if (one.whole) line.append(folded("the whole text", one.whole));
    return line;
  }

  function steer(item) {
    const receipts = item.receipts.map(({ name, at }) => el("li", name, `${name} ${clock(at)}`));
    return el("div", "card steer", el("h3", "", item.now ? "You said, cutting in" : "You said"), prose("said", item.text),
      el("ul", "receipts", ...receipts), item.envelope ? folded("as the model got it", item.envelope) : null);
  }

  function approval(item) {
    return el("div", "card approval", el("h3", "", "A yes was needed"), prose("said", item.text), prose("", item.risk),
      item.recipient ? el("p", "", `to ${item.recipient}`) : null, el("p", "answer", item.answer || "not answered"));
  }

  const DRAW = {
    thought: (item) => prose("thought", item.text),
    words: (item) => prose(item.final ? "words final" : "words", item.text),
    actions: (item) => el("div", "", ...item.checks.map((check) => el("p", "check", `safety check: ${check.message || check.code || check.id}`)),
      item.actions.length ? el("ol", "actions", ...item.actions.map(action)) : el("p", "quiet", "a call without actions")),
    function: (item) => el("div", "call", el("p", "", item.words || item.text.replace(/_+/g, " ")), item.arguments ? folded(item.text, item.arguments) : null,
      item.answer ? prose(item.state === "failed" ? "output error" : "output", item.answer) : null),
    note: (item) => el("div", "note", el("h3", "", "Deskhand told the model"), prose("", item.text)),
    user: (item) => el("div", "card steer", el("h3", "", "You said"), prose("said", item.text)),
    fault: (item) => el("div", "card fault", prose("", item.text), item.more ? folded("details", item.more) : null),
    retry: (item) => prose("retry", item.text),
    dropped: (item) => prose("retry", `answer dropped: ${item.text}`),
    pause: (item) => el("p", "pause", `${item.text} · ${clock(item.at)} · by ${item.by}`),
    line: (item) => el("div", "quiet", el("p", "", item.text), item.more ? folded(item.fold ?? "about this computer", item.more) : null),
    damage: (item) => el("p", "damage", damaged(item)),
    end: (item) => el("p", `end ${item.outcome}`, el("b", "", outcome(item.outcome)), ` ${item.text}`),
    plan: (item) => el("div", "note", el("h3", "", "The plan"), el("ul", "plan", ...item.steps.map(({ step, state }) => el("li", state, step)))),
    question: (item) => el("div", "card approval", el("h3", "", "The agent asked"), prose("said", item.text), el("p", "answer", item.answer || "not answered")),
    steer, approval,
  };
  const damaged = (item) => `Line ${item.line} of the journal ${item.torn ? "is cut short" : "is damaged"}: ${item.text ?? item.reason}.`;
  const outcome = (word) => word.replaceAll("_", " ");

  function draw(item) {
    const node = (DRAW[item.kind] ?? ((other) => prose("quiet", other.text ?? "")))(item);
    if (item.dropped) node.classList.add("dropped");
    return node;
  }

  function link(section) {
    const light = (event, on) => {
      const number = event.target.closest?.("[data-number]:not(img)")?.dataset.number;
      if (number) for (const node of section.querySelectorAll(`[data-number="${Number(number)}"]:not(img)`)) node.classList.toggle("lit", on);
    };
    section.addEventListener("pointerover", (event) => light(event, true));
    section.addEventListener("pointerout", (event) => light(event, false));
  }

  function heading(block) {
    const spent = block.usage ?? total([]);
    const took = block.seconds === null ? "" : `${duration(block.seconds)}, ours ${duration(block.ours)}`;
    const cost = el("span", "", [took || (block.model ? `model ${duration(block.model)}` : ""), tokens(spent), money(spent)].filter(Boolean).join(" · "));
    cost.title = block.usage ? tokenDetails(spent) : "";
    return el("header", "", el("h2", "", `Turn ${block.turn}`), el("time", "", clock(block.at)), cost);
  }

  function section(block) {
    const node = el("section", block.kind);
    if (block.kind === "turn") node.append(heading(block));
    const text = el("div", "text", ...block.items.map(draw));
    node.append(el("div", block.views.length ? "both" : "", text, block.views.length ? picture(block) : null));
    link(node);
    return node;
  }

  // ---- the top of the page

  function facts() {
    const spent = total(data.blocks), started = data.started, turns = data.blocks.filter((block) => block.model !== null);
    const ours = turns.reduce((sum, block) => sum + (block.ours ?? 0), 0);
    const rows = [
      ["time", `${duration(data.seconds)}, of which ${duration(ours)} ours`],
      ["turns", turns.length.toLocaleString("en")],
      ["tokens", tokens(spent), tokenDetails(spent)],
      ["cost", money(spent)],
      ["model", started?.model],
      ["computer", started && (started.size ? `${started.computer}, ${started.size.join("×")}` : started.computer)],
      ["started", data.at ? new Date(data.at).toLocaleString() : ""],
      ["session", data.session],
    ];
    return el("dl", "facts", ...rows.filter(([, value]) => value).map(([name, value, hint]) => {
      const row = el("div", "", el("dt", "", name), el("dd", "", value));
      if (hint) row.title = hint;
      return row;
    }));
  }

  function ending() {
    if (data.end) return el("p", `end ${data.end.outcome}`, el("b", "", outcome(data.end.outcome)), ` ${data.end.reason}`);
    return data.live
      ? el("p", "end live", el("b", "", "at work"), " The session was still working when this page was written.")
      : el("p", "end open", el("b", "", "unfinished"), " The journal ends without an end: the session was interrupted.");
  }

  function top() {
    const files = data.files.map((made) => el("li", "", el("code", "", made.path), el("span", "dim", bytes(made.bytes))));
    return el("section", "top",
      ...data.damages.map((item) => el("p", "damage", damaged(item))),
      prose("task", data.started?.task ?? "The task is in a part of the journal that cannot be read."),
      ending(),
      data.end?.summary && data.end.summary !== data.end.reason ? prose("words final", data.end.summary) : null,
      files.length ? el("ul", "files", ...files) : null, facts());
  }

  // ---- moving about

  const turns = [];
  let current = -1;
  const place = el("span", "place");
  const ticks = el("nav", "ticks");
  ticks.setAttribute("aria-label", "Turns");

  function became(number) {
    if (number === current) return;
    ticks.children[current]?.removeAttribute("aria-current");
    turns[current]?.classList.remove("current");
    current = number;
    ticks.children[current]?.setAttribute("aria-current", "true");
    turns[current]?.classList.add("current");
    place.textContent = current < 0 ? count(turns.length, "turn") : `${current + 1} of ${turns.length}`;
  }

  function go(number) {
    const to = Math.max(-1, Math.min(turns.length - 1, number));
    if (to < 0) window.scrollTo(0, 0); else turns[to].scrollIntoView({ block: "start" });
    became(to);
  }

  function tone(block) {
    const kinds = new Set(block.items.map((item) => item.kind));
    const states = new Set(block.items.flatMap((item) => item.actions ?? []).map((one) => one.state));
    if (kinds.has("fault") || states.has("failed") || states.has("unsure")) return "bad";
    if (kinds.has("steer") || kinds.has("approval") || kinds.has("pause")) return "said";
    return kinds.has("dropped") || kinds.has("retry") ? "lost" : "";
  }

  const KEYS = {
    ArrowRight: () => go(current + 1), j: () => go(current + 1), ArrowLeft: () => go(current - 1), k: () => go(current - 1),
    ArrowDown: () => go(current + 1), ArrowUp: () => go(current - 1), Home: () => go(-1), End: () => go(turns.length - 1),
    r: () => turns[current]?.querySelector(".picture")?.next(),
    f: () => turns[current]?.querySelector(".picture")?.enlarge(),
    m: () => document.body.classList.toggle("unmarked"), // what is under them?
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (large.open && event.key === "f") { large.close(); return; }
    if (large.open && event.key !== "m") return;
    const act = KEYS[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  large.addEventListener("click", () => large.close());

  const UNDER_BAR = 81; // pixels; `scroll-padding-top` puts a turn's top at 64

  function follow() {
    let low = 0, high = turns.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (turns[middle].getBoundingClientRect().top <= UNDER_BAR) low = middle + 1; else high = middle;
    }
    became(low - 1);
  }

  const keys = (meaning, ...names) => el("span", "", ...names.map((name) => el("kbd", "", name)), meaning);

  const MANY = 600; // blocks, above which only those near the view are laid out

  function build() {
    document.getElementById("bar").append(el("b", "", "Deskhand"), place, ticks,
      el("span", "keys", keys("turns", "←", "→"), keys("result", "r"), keys("larger", "f"), keys("marks", "m")));
    main.classList.toggle("many", data.blocks.length > MANY);
    main.replaceChildren(top());
    for (const block of data.blocks) {
      const node = section(block);
      main.append(node);
      if (block.kind !== "turn") continue;
      const number = turns.push(node) - 1;
      node.id = `turn-${number + 1}`;
      ticks.append(button(tone(block), "", () => go(number), `Turn ${block.turn}`));
    }
    place.textContent = count(turns.length, "turn");
    document.addEventListener("scroll", follow, { passive: true });
    const wanted = /^#turn-(\d+)$/.exec(location.hash);
    if (wanted) go(Number(wanted[1]) - 1);
  }

  build();
})();
