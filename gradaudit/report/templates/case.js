// The right-hand side: everything about one case, built from its evidence when it is opened.

// The order in which _detail.py packs a planted fault.
const FAULT = ["check", "fault", "outcome", "error ÷ bound", "said"];
// The order in which _detail.py packs a decade of a certificate.
const CERTIFICATE = ["check", "random directions", "probability of more", "|g|·s from", "elements", "largest error that can be left"];

function caseView(packed, row) {
  const elements = packed.elements.map(readElement);
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
  const resting = caption(rows, element);
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

function caption(rows, element) {
  const allowed = element?.allowed;
  const finite = rows.filter((row) => isNumber(row.error));
  if (!finite.length) return element && !isNumber(Number(element.analytic)) ? "The claim is not finite: no difference is near it." : "No step gave a finite difference.";
  const best = finite.reduce((one, other) => (other.error < one.error ? other : one));
  const nearest = `${show(best.error, 2)} at h = ${show(best.h, 2)}`;
  if (!isNumber(Number(allowed))) return `The plain difference comes nearest to the claim by ${nearest}.`;
  if (best.error > Number(allowed)) return `No step brings the difference within ${show(allowed, 2)} of the claim; the nearest is ${nearest}.`;
  return `The plain difference comes within ${nearest}; ${show(allowed, 2)} is allowed.`;
}

function curveTable(rows) {
  const numbers = rows.map((row) => [row.h, row.error, row.noise].map((value) => show(value, 4)));
  const table = plainTable(["h", "error", "noise bound"], numbers, () => true);
  return make("details", {}, make("summary", {}, "These numbers"), table);
}

/** What random directions leave possible in each decade of sensitivities, as a fraction of an element. */
function certificates(decades) {
  if (!decades.length) return [];
  const cell = (value) => (typeof value === "number" ? show(value, 2) : value === "NaN" ? "–" : value);
  const table = plainTable(CERTIFICATE, decades.map((decade) => decade.map(cell)), (index) => index > 0);
  return [section("Certificate", make("div", { class: "scroll" }, table))];
}

/** What became of known faults in this claim, each audited as the claim was. */
function power(faults) {
  if (!faults.length) return [];
  const isNumeric = (index) => FAULT[index] === "error ÷ bound";
  const cell = (value, index) => (isNumeric(index) ? (value === "NaN" ? "–" : show(value)) : value);
  const table = plainTable(FAULT, faults.map((fault) => fault.map(cell)), isNumeric);
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
  const table = make("table", { class: "settings" }, tableHead(["Setting", "Value", "Where it stands"]), make("tbody", {}, lines, sources));
  return make("details", {}, make("summary", {}, "Resolved configuration"), make("div", { class: "scroll" }, table));
}
