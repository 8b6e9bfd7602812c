// The right-hand side: everything about one case, built from its evidence when it is opened.

// The order in which _detail.py packs an element.
const ELEMENT = ["check", "status", "output", "input", "x", "analytic", "numeric", "uncertainty", "allowed", "ratio", "h", "reason", "bound"];
// The order in which _detail.py packs a planted fault.
const FAULT = ["check", "fault", "outcome", "error ÷ bound", "said"];
// The order in which _detail.py packs a decade of a certificate.
const CERTIFICATE = ["check", "random directions", "probability of more", "|g|·s from", "elements", "largest error that can be left"];

function caseView(packed, row) {
  const elements = packed.elements.map((values) => Object.fromEntries(ELEMENT.map((name, index) => [name, values[index]])));
  return [
    ...heading(packed, row),
    ...since(packed.past, row),
    ...verbatim("Traceback", packed.traceback),
    ...curves(packed, elements),
    ...elementSections(packed, elements),
    packed.whole ? null : make("p", { class: "caption" }, "This report keeps all evidence of what did not pass and of a sample of what did; elements.csv and curves.csv beside it hold the rest."),
    ...pastRuns(packed.past, row),
    ...certificates(packed.certificates),
    ...power(packed.power),
    reproduce(packed),
    ...verbatim("Printed by user code", packed.printed),
    ...measures(packed),
    ...surroundingsChanged(packed.past),
    configuration(packed),
  ].filter(Boolean);
}

function section(title, ...children) {
  return make("section", {}, make("h3", {}, title), ...children);
}

function heading(packed, row) {
  const words = [row.statusWord, packed.diagnosis].filter(Boolean).join(" · ");
  const facts = [row.engine && `@${row.engine}`, row.owner, ...row.tags.map((tag) => `#${tag}`)].filter(Boolean).join("  ");
  const message = withoutEvidence(packed);
  return [
    make("button", { type: "button", class: "quiet back", "data-back": "" }, "← All cases"),
    make("div", { class: `badge ${packed.status}` }, icon(packed.status), words),
    make("h2", {}, breakable(packed.id)),
    packed.evidence ? make("p", { class: "headline" }, unbroken(capital(packed.evidence))) : null,
    message ? make("p", { class: packed.evidence ? "evidence mono" : "headline" }, unbroken(message)) : null,
    packed.expect ? make("p", { class: "evidence" }, `Expected: ${packed.expect}`) : null,
    packed.notes.length ? make("ul", { class: "notes" }, packed.notes.map((note) => make("li", {}, note))) : null,
    packed.place || facts ? make("p", { class: "place mono" }, [packed.place, facts].filter(Boolean).join("   ")) : null,
  ].filter(Boolean);
}

/** The message holds the diagnosis and its evidence too, which stand above it. */
function withoutEvidence({ message, evidence, diagnosis }) {
  if (!evidence || !message.endsWith(evidence)) return message;
  const rest = message.slice(0, -evidence.length).replace(/[;:]\s*$/, "");
  return rest.endsWith(`; ${diagnosis}`) ? rest.slice(0, -diagnosis.length - 2) : rest;
}

const capital = (text) => (/^[a-z]{2}/.test(text) ? text[0].toUpperCase() + text.slice(1) : text);

// What is no derivative has no input: a value beside one.
const derivative = (item) => (item.input ? `d ${item.output}/d ${item.input}` : item.output);
const samePlace = (one) => (other) => other.check === one.check && other.output === one.output && other.input === one.input;

function curves(packed, elements) {
  if (!packed.curves.length) return [];
  const holder = make("div", { class: "curve" });
  const tabs = make("div", { class: "tabs", role: "group", "aria-label": "Curve of" });
  const buttons = packed.curves.map((curve) =>
    make("button", { type: "button", class: "chip", "aria-pressed": "false" }, `${curve.check}: ${derivative(curve)}`));
  buttons.forEach((button, index) => button.addEventListener("click", () => {
    for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
    const curve = packed.curves[index];
    showCurve(holder, curve, { element: elements.find(samePlace(curve)), before: curveBefore(packed.past, curve) });
  }));
  tabs.append(...buttons);
  return [section("Error against step", tabs, holder)];
}

/** Drawn on a click on its tab, because its width is known only once it stands in the page. */
function showCurve(holder, curve, { element, before }) {
  const width = Math.max(280, Math.min(760, holder.clientWidth || 560));
  const { svg, rows, x } = drawCurve(curve.points, { before: before?.points, allowed: element?.allowed, taken: element?.h, width });
  const resting = caption(rows, element?.allowed);
  const readout = make("output");
  const say = (text) => readout.replaceChildren(...unbroken(text));
  say(resting);
  const hair = draw("line", { class: "hair", y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom, visibility: "hidden" });
  svg.append(hair);
  svg.addEventListener("pointermove", (event) => {
    const at = ((event.clientX - svg.getBoundingClientRect().left) / svg.clientWidth) * width;
    const row = rows.reduce((best, one) => (Math.abs(x(one.h) - at) < Math.abs(x(best.h) - at) ? one : best), rows[0]);
    if (!row) return;
    fill(hair, { x1: x(row.h), x2: x(row.h), visibility: "visible" }, []);
    say(`h ${show(row.h, 4)}   error ${show(row.error)}   noise bound ${show(row.noise)}`);
  });
  svg.addEventListener("pointerleave", () => {
    hair.setAttribute("visibility", "hidden");
    say(resting);
  });
  const said = saidOfBefore(curve, before);
  holder.replaceChildren(...[svg, readout, said && make("p", { class: "caption" }, said), curveTable(rows)].filter(Boolean));
}

function caption(rows, allowed) {
  const finite = rows.filter((row) => isNumber(row.error));
  if (!finite.length) return "No step gave a finite difference.";
  const best = finite.reduce((one, other) => (other.error < one.error ? other : one));
  const nearest = `${show(best.error, 2)} at h = ${show(best.h, 2)}`;
  if (!isNumber(Number(allowed))) return `The plain difference comes nearest to the claim by ${nearest}.`;
  if (best.error > Number(allowed)) return `No step brings the difference within ${show(allowed, 2)} of the claim; the nearest is ${nearest}.`;
  return `The plain difference comes within ${nearest}; ${show(allowed, 2)} is allowed.`;
}

function curveTable(rows) {
  const header = ["h", "error", "noise bound"].map((name) => make("th", { scope: "col", class: "number" }, name));
  const body = rows.map((row) =>
    make("tr", {}, [row.h, row.error, row.noise].map((value) => make("td", { class: "number" }, show(value, 4)))));
  const table = make("table", { class: "values" }, make("thead", {}, make("tr", {}, header)), make("tbody", {}, body));
  return make("details", {}, make("summary", {}, "These numbers"), table);
}

/** The heat maps and the table of worst elements, linked: what is chosen in one is shown in the other, and its curve. */
function elementSections(packed, elements) {
  if (!elements.length) return [];
  const bodies = elements.map(elementRows);
  const said = make("output", { class: "caption" });
  const maps = packed.heat.map((heat) => heatFigure(heat, { choose: (label) => chooseLabel(label, heat) }));
  const chooseElement = (index) => {
    const item = elements[index];
    bodies.forEach((one, at) => one.classList.toggle("chosen", at === index));
    for (const map of maps) map.mark(map.heat.check === item.check ? cellOf(map.heat, item.input) : -1);
    const curve = packed.curves.findIndex(samePlace(item));
    said.textContent = curve < 0 ? `No curve was kept of ${derivative(item)}: curves are of the worst element of each check, and of the next ones that did not pass.` : "";
    if (curve >= 0) article.querySelectorAll(".tabs button")[curve].click();
  };
  const chooseLabel = (cell, heat) => {
    const index = elements.findIndex((item) => item.check === heat.check && cellOf(heat, item.input) === cell);
    if (index >= 0) { chooseElement(index); bodies[index].scrollIntoView({ block: "nearest" }); }
    else said.textContent = `${cellName(heat, cell)} is not among the worst elements.`;
  };
  bodies.forEach((one, index) => one.querySelector("button").addEventListener("click", () => chooseElement(index)));
  const header = ["Analytic over numeric ± error bar", "Apart", "Allowed", "Error ÷ tol."];
  const cells = header.map((name, index) => make("th", { scope: "col", class: index ? "number" : null }, name));
  const table = make("table", { class: "elements" }, make("thead", {}, make("tr", {}, cells)), bodies);
  return [
    ...(maps.length ? [section("Error over elements", make("div", { class: "maps" }, maps.map((map) => map.figure)), heatKey())] : []),
    section("Worst elements", said, make("div", { class: "scroll" }, table)),
  ];
}

function heatFigure(heat, { choose }) {
  const name = `${heat.input} (${heat.shape.join(" × ")})`;
  const blocks = heat.block[0] * heat.block[1];
  const resting = `${name}${blocks > 1 ? `, the worst of each ${heat.block.join(" × ")} elements` : ""}`;
  const readout = make("figcaption", {}, `${heat.check}: ${resting}`);
  const onPoint = (cell) => {
    readout.textContent = cell === undefined ? `${heat.check}: ${resting}` : `${cellName(heat, cell)}: ${said(heat.errors[cell])}`;
  };
  const said = (error) => (error === null ? "not checked" : `error ÷ allowed ${short(error)}`);
  const svg = drawHeat(heat, { width: 480, onChoose: choose, onPoint });
  const mark = (cell) => {
    svg.querySelector(".marked")?.classList.remove("marked");
    svg.querySelector(`[data-cell="${cell}"]`)?.classList.add("marked");
  };
  return { heat, mark, figure: make("figure", {}, readout, svg) };
}

/** Two rows an element: where it is, then its numbers. */
function elementRows(item) {
  const wrong = item.status === "fail";
  const apart = Math.abs(Number(item.analytic) - Number(item.numeric));
  const number = (label, value, kind = "") => make("td", { class: `number ${kind}`, "data-label": label }, value);
  const at = Number.isNaN(Number(item.x)) ? "" : `at ${show(item.x, 6)}`;
  const bound = Number.isNaN(Number(item.bound)) ? "" : `an error above ${show(item.bound, 2)} would have failed`;
  const about = [item.check, at, item.status === "pass" ? "" : item.status, item.reason, bound].filter(Boolean).join(", ");
  const name = make("button", { type: "button", class: "element" }, derivative(item));
  return make("tbody", {},
    make("tr", {}, make("th", { class: "where", colspan: "4", scope: "rowgroup" }, name, make("small", {}, about))),
    make("tr", {},
      make("td", { class: "values-cell" }, pair(item, wrong)),
      number("apart", show(apart, 2)),
      number("allowed", show(item.allowed, 2)),
      number("÷", show(item.ratio), wrong ? "apart" : "")));
}

/** Both values under each other, digit under digit; what a failed claim has different stands out. */
function pair(item, wrong) {
  const [analytic, numeric] = alike(item.analytic, item.numeric, item.uncertainty);
  const wide = Math.max(analytic.length, numeric.length);
  const [a, n] = [analytic.padStart(wide), numeric.padStart(wide)];
  let same = 0;
  while (wrong && same < wide && a[same] === n[same]) same += 1;
  const value = (text) => (wrong ? [make("span", { class: "same mono" }, text.slice(0, same)), make("b", {}, text.slice(same))] : [text]);
  return make("div", { class: "pair" },
    make("span", {}, "analytic"), make("div", {}, value(a)),
    make("span", {}, "numeric"), make("div", {}, value(n), make("i", {}, ` ± ${show(item.uncertainty, 2)}`)));
}

/** What random directions leave possible in each decade of sensitivities, as a fraction of an element. */
function certificates(decades) {
  if (!decades.length) return [];
  const header = CERTIFICATE.map((name, index) => make("th", { scope: "col", class: index ? "number" : null }, name));
  const cell = (value, index) => make("td", { class: index ? "number" : null }, typeof value === "number" ? show(value, 2) : value === "NaN" ? "–" : value);
  const body = decades.map((decade) => make("tr", {}, decade.map(cell)));
  const table = make("table", { class: "values" }, make("thead", {}, make("tr", {}, header)), make("tbody", {}, body));
  return [section("Certificate", make("div", { class: "scroll" }, table))];
}

/** What became of known faults in this claim, each audited as the claim was. */
function power(faults) {
  if (!faults.length) return [];
  const kind = (index) => (FAULT[index] === "error ÷ bound" ? "number" : null);
  const header = FAULT.map((name, index) => make("th", { scope: "col", class: kind(index) }, name));
  const cell = (value, index) => make("td", { class: kind(index) }, kind(index) ? (value === "NaN" ? "–" : show(value)) : value);
  const body = faults.map((fault) => make("tr", {}, fault.map(cell)));
  const table = make("table", { class: "values" }, make("thead", {}, make("tr", {}, header)), make("tbody", {}, body));
  return [section("Planted faults", make("div", { class: "scroll" }, table))];
}

/** A command, the same from Python, and a script that needs no suite file. */
function reproduce(packed) {
  const more = packed.script ? make("details", {}, make("summary", {}, "Stand-alone script, without the suite file"), copyable(packed.script)) : null;
  return section("Reproduce", ...[copyable(packed.command), copyable(packed.python), more].filter(Boolean));
}

function copyable(text) {
  const button = make("button", { type: "button", class: "quiet" }, "Copy");
  // Lines break between words only, not after a dash: "--id" stays whole.
  const words = text.split(/([ \n])/).map((word) => (word.trim() ? make("span", {}, word) : word));
  const code = make("code", {}, words);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      // From disk some browsers refuse the clipboard: select the text instead.
      getSelection().selectAllChildren(code);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  return make("div", { class: "command" }, code, button);
}

function verbatim(title, text) {
  return text ? [section(title, make("pre", { tabindex: "0" }, text))] : [];
}

function measures(packed) {
  const { elements, ...counts } = packed.counts;
  const ended = Object.entries(counts).filter(([, value]) => value).map(([name, value]) => `${value} ${name.replaceAll("_", " ")}`);
  const known = Object.entries(packed.measures).filter(([name, value]) => value !== "NaN" && !(name === "evaluations" && !value));
  const pairs = known.map(([name, value]) => [name, show(value, 4)]);
  if (elements) pairs.push(["elements", [String(elements), ...ended].join(", ")]);
  if (!pairs.length) return [];
  const items = pairs.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)));
  return [section("Measures", make("dl", { class: "measures" }, items))];
}

/** Every setting with its value, and where that stands; what says nothing is built in or follows from the item. */
function configuration(packed) {
  const lines = packed.config.map(([name, value, origin]) =>
    make("tr", {}, make("th", { scope: "row" }, name), make("td", { class: "mono" }, value), make("td", { class: "origin" }, origin)));
  const sources = packed.sources.map(([role, reference, place]) =>
    make("tr", {}, make("th", { scope: "row" }, `source of ${role}`), make("td", { class: "mono" }, reference), make("td", { class: "origin" }, place)));
  const head = ["Setting", "Value", "Where it stands"].map((name) => make("th", { scope: "col" }, name));
  const table = make("table", { class: "settings" }, make("thead", {}, make("tr", {}, head)), make("tbody", {}, lines, sources));
  return make("details", {}, make("summary", {}, "Resolved configuration"), make("div", { class: "scroll" }, table));
}
