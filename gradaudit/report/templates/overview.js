// Views of all cases at once: what the passes could have missed, functions over their matrix, and the slowest cases.

const VIEWS = { matrix: matrixView, power: powerView, slow: slowView };
const MOST = 30;

const link = (row, ...children) => make("a", { href: `#${encodeURIComponent(row.id)}`, title: row.id }, ...children);

/** For each function with a matrix: its last axis across, the others down; a row of cells where only one axis varies. */
function matrixView(found) {
  const names = Map.groupBy(found.filter((row) => row.axes.length), (row) => row.name);
  if (!names.size) return [make("p", { class: "notice" }, "None of these cases has a matrix.")];
  return [...names].map(([name, members]) => {
    const varying = members[0].axes.map(([axis]) => axis).filter((axis) => new Set(members.map((row) => axisOf(row, axis))).size > 1);
    const cells = varying.length > 1 ? make("div", { class: "scroll" }, grid(members, varying)) : flow(members, varying[0]);
    return make("section", {}, make("h3", {}, name), cells);
  });
}

const axisOf = (row, axis) => row.axes.find(([name]) => name === axis)?.[1] ?? "";
const pointOf = (row) => /@[^@]*$/.exec(row.id)?.[0] ?? "";
const inOrder = (values) => [...new Set(values)].sort((one, other) => WORDS.compare(one, other));

function grid(members, varying) {
  const across = varying.at(-1);
  const down = (row) => varying.slice(0, -1).map((axis) => `${axis}=${axisOf(row, axis)}`).join(", ") + pointOf(row);
  const columnNames = inOrder(members.map((row) => axisOf(row, across)));
  const cells = new Map(members.map((row) => [`${down(row)}\n${axisOf(row, across)}`, row]));
  const head = make("tr", {}, make("td"), columnNames.map((value) => make("th", { scope: "col" }, `${across}=${value}`)));
  const cell = (row) => (row ? make("td", { class: row.status }, matrixLink(row)) : make("td", { class: "absent" }, "·"));
  const lines = inOrder(members.map(down)).map((value) =>
    make("tr", {}, make("th", { scope: "row" }, value), columnNames.map((name) => cell(cells.get(`${value}\n${name}`)))));
  return make("table", { class: "matrix" }, make("thead", {}, head), make("tbody", {}, lines));
}

function flow(members, axis) {
  const label = (row) => (axis ? `${axis}=${axisOf(row, axis)}` : row.axes.map((pair) => pair.join("=")).join(", ")) + pointOf(row);
  const inRow = members.toSorted((one, other) => WORDS.compare(label(one), label(other)));
  return make("ul", { class: "flow" }, inRow.map((row) => make("li", { class: row.status }, matrixLink(row, make("small", {}, label(row))))));
}

function matrixLink(row, label = null) {
  const words = `${row.statusWord}${row.diagnosis ? `, ${row.diagnosis}` : ""}`;
  return link(row, label, icon(row.status), make("span", { class: "hidden" }, words), short(row.error));
}

/** What could these passes have missed: how many can have missed how much, and which the most. */
function powerView(found) {
  const passed = found.filter((row) => row.status === "pass");
  const bounded = passed.filter((row) => isNumber(asNumber(row.bound)) && row.bound > 0);
  const unknown = passed.length - bounded.length;
  const weakest = sorted(bounded, (row) => asNumber(row.bound), true).slice(0, MOST);
  const planted = document.querySelector(".planted")?.cloneNode(true);
  return [
    make("p", { class: "caption" }, "A pass says how large a relative error of the claim it could have missed. Each bar counts passes by that bound."),
    bounded.length ? histogram(bounded.map((row) => Math.log10(row.bound))) : make("p", { class: "notice" }, "None of these passes has a bound."),
    unknown ? make("p", { class: "caption" }, `${unknown} of ${passed.length} passes have no bound: a derivative of zero, or a subgradient at a kink.`) : null,
    planted ? make("section", {}, make("h3", {}, "Planted faults"), planted) : null,
    weakest.length ? make("section", {}, make("h3", {}, "Weakest passes"), listing(weakest, [["Bound", (row) => short(row.bound)], ["Error ÷ tol.", (row) => short(row.error)], ["Evaluations", (row) => show(row.evaluations)]])) : null,
  ].filter(Boolean);
}

/** Counts by half a decade. */
function histogram(logs) {
  const bins = new Map();
  for (const value of logs) { const bin = Math.floor(value * 2); bins.set(bin, (bins.get(bin) ?? 0) + 1); }
  const [low, high] = [Math.min(...bins.keys()), Math.max(...bins.keys())];
  const most = Math.max(...bins.values());
  const [wide, tall, foot] = [30, 96, 22];
  const width = (high - low + 1) * wide + 40;
  const svg = draw("svg", { class: "histogram", viewBox: `0 0 ${width} ${tall + foot + 16}`, width, role: "img", "aria-label": `Bounds of ${logs.length} passes, from ${decade(Math.floor(low / 2))} to ${decade(Math.ceil((high + 1) / 2))}` });
  for (let bin = low; bin <= high; bin += 1) {
    const count = bins.get(bin) ?? 0;
    const height = count ? Math.max(2, (count / most) * tall) : 0;
    const x = (bin - low) * wide + 20;
    svg.append(draw("rect", { class: "bar", x: x + 1, y: 16 + tall - height, width: wide - 2, height }));
    if (count) svg.append(draw("text", { x: x + wide / 2, y: 12 + tall - height, "text-anchor": "middle" }, String(count)));
    if (bin % 2 === 0) svg.append(draw("text", { x, y: tall + foot + 12, "text-anchor": "middle" }, decade(bin / 2)));
  }
  svg.append(draw("line", { class: "grid", x1: 20, x2: width - 20, y1: tall + 16, y2: tall + 16 }));
  return svg;
}

function slowView(found) {
  const timed = found.filter((row) => row.seconds > 0);
  if (!timed.length) return [make("p", { class: "notice" }, "None of these cases was timed.")];
  const total = timed.reduce((sum, row) => sum + row.seconds, 0);
  const slowest = sorted(timed, (row) => row.seconds, true).slice(0, MOST);
  const share = slowest.reduce((sum, row) => sum + row.seconds, 0) / total;
  return [
    make("p", { class: "caption" }, `${timed.length} cases took ${show(total)} s in workers; the ${slowest.length} slowest are ${Math.round(share * 100)} % of it.`),
    listing(slowest, [
      ["Seconds", (row) => show(row.seconds)],
      ["", (row) => shareBar(row.seconds / slowest[0].seconds)],
      ["Evaluations", (row) => show(row.evaluations)],
      ["ms each", (row) => (row.evaluations ? show((1000 * row.seconds) / row.evaluations, 2) : "–")],
    ]),
  ];
}

function shareBar(share) {
  return draw("svg", { class: "share", viewBox: "0 0 100 10", "aria-hidden": "true" }, draw("rect", { class: "bar", width: 100 * share, height: 10 }));
}

/** A short table of cases with some numbers. */
function listing(found, numbers) {
  const head = tableHead(["Case", ...numbers.map(([label]) => label)], (index) => index > 0);
  const lines = found.map((row) => make("tr", {},
    make("td", { class: `c-id ${row.status}` }, icon(row.status), link(row, breakable(row.id))),
    numbers.map(([, cell]) => make("td", { class: "number" }, cell(row)))));
  return make("div", { class: "scroll" }, make("table", { class: "listing" }, head, make("tbody", {}, lines)));
}
