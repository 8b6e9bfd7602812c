// The worst elements of a case: maps of the error, and a table of both sides, linked to each other and to the curves.

// The order in which _detail.py packs an element.
const ELEMENT = ["check", "status", "output", "input", "x", "analytic", "numeric", "uncertainty", "allowed", "ratio", "h", "reason", "bound"];

const readElement = (values) => Object.fromEntries(ELEMENT.map((name, index) => [name, values[index]]));

// What is no derivative has no input: a value beside one.
const derivative = (item) => (item.input ? `d ${item.output}/d ${item.input}` : item.output);
const samePlace = (one) => (other) => other.check === one.check && other.output === one.output && other.input === one.input;

/** The heat maps and the table of worst elements, linked: what is chosen in one is shown in the other, and its curve. */
function elementSections(packed, elements) {
  if (!elements.length) return [];
  const bodies = elements.map(elementRows);
  const said = make("output", { class: "caption" });
  const maps = packed.heat.map((heat) => heatFigure(heat, { choose: (cell) => chooseCell(cell, heat) }));
  const chooseElement = (index) => {
    const item = elements[index];
    bodies.forEach((one, at) => one.classList.toggle("chosen", at === index));
    for (const map of maps) map.mark(map.heat.check === item.check ? cellOf(map.heat, item.input) : -1);
    const curve = packed.curves.findIndex(samePlace(item));
    said.textContent = curve < 0 ? `No curve was kept of ${derivative(item)}: curves are of the worst element of each check, and of the next ones that did not pass.` : "";
    if (curve >= 0) article.querySelectorAll(".tabs button")[curve].click();
  };
  const chooseCell = (cell, heat) => {
    const index = elements.findIndex((item) => item.check === heat.check && cellOf(heat, item.input) === cell);
    if (index >= 0) { chooseElement(index); bodies[index].scrollIntoView({ block: "nearest" }); }
    else said.textContent = `${cellName(heat, cell)} is not among the worst elements.`;
  };
  bodies.forEach((one, index) => one.querySelector("button").addEventListener("click", () => chooseElement(index)));
  const head = tableHead(["Analytic over numeric ± error bar", "Apart", "Allowed", "Error ÷ tol."], (index) => index > 0);
  const table = make("table", { class: "elements" }, head, bodies);
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
  const said = (error) => (error === null ? "not checked" : `error ÷ allowed ${short(error)}`);
  const onPoint = (cell) => {
    readout.textContent = cell === undefined ? `${heat.check}: ${resting}` : `${cellName(heat, cell)}: ${said(heat.errors[cell])}`;
  };
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
