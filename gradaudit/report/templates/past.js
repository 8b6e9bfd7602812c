// What a case was in earlier runs: since when it is as it is, what changed, and its row of ends.

/** One sentence on what was before. */
function since(past, row) {
  if (!past?.change) return [];
  const { before } = past;
  const parts = [];
  if (!before) parts.push("was not in the run that this one is compared with");
  else {
    parts.push(`was ${STATUS_WORDS[before.status] ?? before.status}${before.diagnosis ? ` (${before.diagnosis})` : ""}`);
    if (isNumber(Number(before.error)) && isNumber(asNumber(row.error))) parts.push(`error ÷ tolerance ${show(before.error, 2)} → ${short(row.error)}`);
  }
  if (past.changed.length) parts.push(`its ${past.changed.join(" and ")} changed since`);
  else if (before) parts.push("its sources are as they were");
  if (past.flaky) parts.push("passes and fails in turn");
  return [make("p", { class: "since" }, make("span", { class: `change ${past.change}` }, past.change), `: ${parts.join("; ")}.`)];
}

/** The same element's curve in the run before, or that of the element that was worst there. */
function curveBefore(past, curve) {
  const curves = past?.before?.curves ?? [];
  return curves.find(samePlace(curve)) ?? curves.find((one) => one.check === curve.check);
}

function saidOfBefore(curve, before) {
  if (!before) return null;
  if (!samePlace(curve)(before)) return `Dashed: the run that this one is compared with, where ${derivative(before)} was worst.`;
  return sameCurve(curve.points, before.points) ? "The run that this one is compared with has the same curve." : "Dashed: the run that this one is compared with.";
}

/** Error ÷ tolerance over the earlier runs and this one, and where it began. */
function pastRuns(past, row) {
  if (!past?.ends.length) return [];
  const runs = new Map(page.runs.map((run) => [run[0], run]));
  const ends = [...past.ends.map(([run, status, error]) => ({ run: runs.get(run) ?? [run, "", ""], status, error })),
    { run: ["this run", "", ""], status: row.status, error: row.error ?? "NaN" }];
  const told = (run) => run[0] === page.run ? "this run" : [run[0], run[1] && `of ${run[1].slice(0, 10)}`, run[2] && `commit ${run[2].slice(0, 10)}`].filter(Boolean).join(", ");
  const began = past.firstBad ? make("p", { class: "caption" },
    `First bad: ${told(past.firstBad)}.`, past.lastGood ? ` Last good: ${told(past.lastGood)}.` : "") : null;
  const head = tableHead(["Run", "Started", "Commit", "Status", "Error ÷ tol."], (index) => index === 4);
  const lines = ends.toReversed().map(({ run, status, error }) => make("tr", {},
    make("td", {}, run[0]), make("td", {}, run[1].slice(0, 16).replace("T", " ")), make("td", {}, run[2].slice(0, 10)),
    make("td", { class: `status ${status}` }, icon(status), STATUS_WORDS[status] ?? status),
    make("td", { class: "number" }, error === "NaN" ? "–" : show(error, 2))));
  const table = make("table", { class: "values" }, head, make("tbody", {}, lines));
  const details = make("details", {}, make("summary", {}, `These ${ends.length} runs`), make("div", { class: "scroll" }, table));
  const measured = ends.some(({ error }) => isNumber(Number(error)));  // what only ever raised has nothing to draw
  return [section("Last runs", ...[measured && trend(ends), began, details].filter(Boolean))];
}

/** A dot a run by error ÷ tolerance, logarithmic; what has no number stands on the upper edge. */
function trend(ends) {
  const [width, height, left, right, top, foot] = [560, 110, 46, 14, 12, 8];
  const logs = ends.map(({ error }) => Math.log10(Number(error))).filter(isNumber);
  const [low, high] = [Math.floor(Math.min(-1, ...logs)), Math.ceil(Math.max(1, ...logs))];
  const x = (index) => left + ((index + 0.5) / ends.length) * (width - left - right);
  const y = (log) => top + ((high - log) / (high - low)) * (height - top - foot);
  const place = ({ error }) => (Number(error) > 0 && isNumber(Number(error)) ? y(Math.log10(Number(error))) : Number(error) === 0 ? y(low) : top);
  const counts = ends.filter((end) => end.status === "pass").length;
  return draw("svg", { class: "trend", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Error over tolerance in ${ends.length} runs, of which ${counts} passed` },
    ticks([low, high], 4).map((power) => draw("text", { x: left - 8, y: y(power) + 4, "text-anchor": "end" }, decade(power))),
    draw("line", { class: "allowed", x1: left, x2: width - right, y1: y(0), y2: y(0) }),
    draw("path", { class: "trend-line", d: path(ends.map((end, index) => [x(index), place(end)])) }),
    ends.map((end, index) => draw("circle", { class: `end ${end.status}`, cx: x(index), cy: place(end), r: index === ends.length - 1 ? 5 : 3.5 })));
}

function surroundingsChanged(past) {
  if (!past?.change || past.change === "same" || !page.surroundings.length) return [];
  const lines = page.surroundings.map(([name, before, now]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, before || "–"), make("td", {}, now || "–")));
  const table = make("table", { class: "values" }, tableHead(["", "Then", "Now"]), make("tbody", {}, lines));
  return [section("Surroundings that changed", make("div", { class: "scroll" }, table))];
}
