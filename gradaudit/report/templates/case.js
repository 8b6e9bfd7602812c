// The right-hand side: everything about one case, built from its evidence when it is opened. The curve is drawn on a click
// on its tab, because its width is known only once it stands in the page.

// The order in which _detail.py packs an element.
const ELEMENT = ["check", "status", "output", "input", "x", "analytic", "numeric", "uncertainty", "allowed", "ratio", "h", "reason", "bound"];
// The order in which _detail.py packs a planted fault.
const FAULT = ["check", "fault", "outcome", "error ÷ bound", "said"];
const STATUS_WORDS = { xfail: "expected fail", xpass: "unexpected pass" };

function caseView(packed) {
  const elements = packed.elements.map((row) => Object.fromEntries(ELEMENT.map((name, index) => [name, row[index]])));
  return [
    ...heading(packed),
    ...verbatim("Traceback", packed.traceback),
    ...curves(packed, elements),
    ...worst(elements),
    ...power(packed.power),
    section("Reproduce", copyable(packed.command), copyable(packed.python)),
    ...verbatim("Printed by user code", packed.printed),
    ...measures(packed),
    configuration(packed),
  ];
}

function section(title, ...children) {
  return make("section", {}, make("h3", {}, title), ...children);
}

function heading(packed) {
  const icon = draw("svg", { "aria-hidden": "true" }, draw("use", { href: `#i-${packed.status}` }));
  const words = [STATUS_WORDS[packed.status] ?? packed.status, packed.diagnosis].filter(Boolean).join(" · ");
  return [
    make("button", { type: "button", class: "quiet back", "data-back": "" }, "← All cases"),
    make("div", { class: `badge ${packed.status}` }, icon, words),
    make("h2", {}, packed.id),
    packed.message ? make("p", { class: "headline" }, packed.message) : null,
    packed.evidence && !packed.message.includes(packed.evidence) ? make("p", { class: "evidence" }, packed.evidence) : null,
    packed.expect ? make("p", { class: "evidence" }, `Expected: ${packed.expect}`) : null,
    packed.notes.length ? make("ul", { class: "notes" }, packed.notes.map((note) => make("li", {}, note))) : null,
    packed.place ? make("p", { class: "place mono" }, packed.place) : null,
  ].filter(Boolean);
}

const derivative = (item) => `d ${item.output}/d ${item.input}`;

function curves(packed, elements) {
  if (!packed.curves.length) return [];
  const holder = make("div", { class: "curve" });
  const choose = (curve) => {
    const same = (item) => item.check === curve.check && item.output === curve.output && item.input === curve.input;
    showCurve(holder, curve, elements.find(same));
  };
  const tabs = make("div", { class: "tabs", role: "group", "aria-label": "Curve of" });
  const buttons = packed.curves.map((curve) =>
    make("button", { type: "button", class: "chip", "aria-pressed": "false" }, `${curve.check}: ${derivative(curve)}`));
  buttons.forEach((button, index) => button.addEventListener("click", () => {
    for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
    choose(packed.curves[index]);
  }));
  tabs.append(...buttons);
  return [section("Error against step", tabs, holder)];
}

function showCurve(holder, curve, element) {
  const width = Math.max(280, Math.min(760, holder.clientWidth || 560));
  const { svg, rows, x } = drawCurve(curve.points, { allowed: element?.allowed, taken: element?.h, width });
  const resting = caption(rows, element?.allowed);
  const readout = make("output", {}, resting);
  const hair = draw("line", { class: "hair", y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom, visibility: "hidden" });
  svg.append(hair);
  svg.addEventListener("pointermove", (event) => {
    const at = ((event.clientX - svg.getBoundingClientRect().left) / svg.clientWidth) * width;
    const row = rows.reduce((best, one) => (Math.abs(x(one.h) - at) < Math.abs(x(best.h) - at) ? one : best), rows[0]);
    if (!row) return;
    fill(hair, { x1: x(row.h), x2: x(row.h), visibility: "visible" }, []);
    readout.textContent = `h ${show(row.h, 4)}   error ${show(row.error)}   noise bound ${show(row.noise)}`;
  });
  svg.addEventListener("pointerleave", () => {
    hair.setAttribute("visibility", "hidden");
    readout.textContent = resting;
  });
  holder.replaceChildren(svg, readout, curveTable(rows));
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

function worst(elements) {
  if (!elements.length) return [];
  const header = ["Analytic over numeric ± error bar", "Apart", "Allowed", "Error ÷ tol."];
  const cells = header.map((name, index) => make("th", { scope: "col", class: index ? "number" : null }, name));
  const table = make("table", { class: "elements" }, make("thead", {}, make("tr", {}, cells)), elements.map(elementRows));
  return [section("Worst elements", make("div", { class: "scroll" }, table))];
}

/** Two rows an element: where it is, then its numbers. */
function elementRows(item) {
  const wrong = item.status === "fail";
  const apart = Math.abs(Number(item.analytic) - Number(item.numeric));
  const number = (label, value, kind = "") => make("td", { class: `number ${kind}`, "data-label": label }, value);
  const at = Number.isNaN(Number(item.x)) ? "" : `at ${show(item.x, 6)}`;
  const bound = Number.isNaN(Number(item.bound)) ? "" : `an error above ${show(item.bound, 2)} would have failed`;
  const about = [item.check, at, item.status === "pass" ? "" : item.status, item.reason, bound].filter(Boolean).join(", ");
  return make("tbody", {},
    make("tr", {}, make("th", { class: "where", colspan: "4", scope: "rowgroup" }, derivative(item), make("small", {}, about))),
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

function configuration(packed) {
  const items = packed.config.map(([name, value]) => [make("dt", {}, name), make("dd", { class: "mono" }, value)]);
  return make("details", {}, make("summary", {}, "Resolved configuration"), make("dl", {}, items));
}
