// The V-curve: how far the claim is from the plain central difference at each step, on logarithmic axes. Truncation
// makes it fall with h from the right, noise makes it rise again to the left; a wrong claim leaves it flat above "allowed".

const MARGIN = { top: 26, right: 14, bottom: 34, left: 46 };
const HEIGHT = 280;

/** Rows [h, error, noise bound] as numbers, by step. */
function readPoints(points) {
  return points
    .map(([h, error, noise]) => ({ h: Number(h), error: Number(error), noise: Number(noise) }))
    .filter((row) => row.h > 0 && isNumber(row.h))
    .sort((one, other) => one.h - other.h);
}

/** `before`: points of the run that this one is compared with; `allowed` and `taken` (the step that was used) may be missing. */
function drawCurve(points, { before = [], allowed, taken, width }) {
  const rows = readPoints(points);
  const earlier = sameCurve(points, before) ? [] : readPoints(before);
  const frame = scales(rows, earlier, allowed, width);
  const svg = draw("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": spoken(rows, allowed) });
  svg.append(...axes(frame, width), ...noise(rows, frame), ...truncation(rows, frame));
  svg.append(...allowedLine(allowed, frame), ...takenLine(taken, frame), ...earlierErrors(earlier, frame), ...errors(rows, frame));
  return { svg, rows, x: frame.x };
}

function scales(rows, earlier, allowed, width) {
  const positive = (value) => value > 0 && isNumber(value);
  const values = [...rows.flatMap((row) => [row.error, row.noise]), ...earlier.map((row) => row.error), Number(allowed)].filter(positive);
  const span = (list) => [Math.floor(Math.log10(Math.min(...list))), Math.ceil(Math.log10(Math.max(...list)))];
  const widened = ([low, high]) => (low === high ? [low - 1, high + 1] : [low, high]);
  const steps = [...rows, ...earlier].map((row) => row.h);
  const xs = widened(span(steps.length ? steps : [1]));
  const ys = widened(span(values.length ? values : [1]));
  const place = ([low, high], from, to) => (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from);
  return {
    xs, ys, left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top, bottom: HEIGHT - MARGIN.bottom,
    x: place(xs, MARGIN.left, width - MARGIN.right),
    y: place(ys, HEIGHT - MARGIN.bottom, MARGIN.top),
  };
}

function ticks([low, high], count) {
  const every = Math.max(1, Math.ceil((high - low) / count));
  const first = Math.ceil(low / every) * every;
  return Array.from({ length: Math.floor((high - first) / every) + 1 }, (_, index) => first + index * every);
}

function axes(frame, width) {
  const { left, right, top, bottom } = frame;
  const across = ticks(frame.ys, 7).map((power) => [power, frame.y(10 ** power)]);
  const along = ticks(frame.xs, width < 420 ? 5 : 8).map((power) => [power, frame.x(10 ** power)]);
  return [
    ...across.map(([, y]) => draw("line", { class: "grid", x1: left, x2: right, y1: y, y2: y })),
    ...across.map(([power, y]) => draw("text", { x: left - 8, y: y + 4, "text-anchor": "end" }, decade(power))),
    ...along.map(([, x]) => draw("line", { class: "grid", x1: x, x2: x, y1: bottom, y2: bottom + 4 })),
    ...along.map(([power, x]) => draw("text", { x, y: bottom + 18, "text-anchor": "middle" }, decade(power))),
    draw("text", { x: right, y: bottom + 32, "text-anchor": "end" }, "step h"),
    draw("text", { x: left - 38, y: top - 12, class: "on-error" }, "|analytic − central difference|"),
  ];
}

/** Finite positive values as path points; an error of exactly zero lies on the floor. */
function trace(rows, key, frame) {
  return rows.filter((row) => row[key] > 0 && isNumber(row[key])).map((row) => [frame.x(row.h), frame.y(row[key])]);
}

const path = (points) => "M" + points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");

/** The branch that rises to the left: what rounding and noise of f may do to a difference, which grows like 1/h. */
function noise(rows, frame) {
  const points = trace(rows, "noise", frame);
  if (points.length < 2) return [];
  const [first, last] = [points[0], points[points.length - 1]];
  const area = `${path(points)}L${last[0].toFixed(1)} ${frame.bottom}L${first[0].toFixed(1)} ${frame.bottom}Z`;
  return [
    draw("path", { class: "noise-area", d: area }),
    draw("path", { class: "noise-line", d: path(points) }),
    draw("text", { x: first[0] + 6, y: frame.bottom - 9 }, "noise, ∝ 1/h"),
  ];
}

function errors(rows, frame) {
  const points = trace(rows, "error", frame);
  const zeros = rows.filter((row) => row.error === 0).map((row) => [frame.x(row.h), frame.bottom]);
  const dot = (kind) => ([x, y]) => draw("circle", { class: kind, cx: x.toFixed(1), cy: y.toFixed(1), r: 3.4 });
  return [
    ...rows.map((row) => bar(row, frame)),
    points.length > 1 ? draw("path", { class: "error-line", d: path(points) }) : null,
    ...points.map(dot("error-dot")),
    ...zeros.map(dot("error-dot zero")),
  ].filter(Boolean);
}

/** From error − noise to error + noise, where that is longer than the dot. */
function bar({ h, error, noise: bound }, frame) {
  if (!(error > 0 && bound > 0 && isNumber(error) && isNumber(bound))) return null;
  const high = frame.y(Math.min(error + bound, 10 ** frame.ys[1]));
  const low = error > bound ? Math.min(frame.y(error - bound), frame.bottom) : frame.bottom;
  if (low - high < 9) return null;
  return draw("line", { class: "error-bar", x1: frame.x(h), x2: frame.x(h), y1: high.toFixed(1), y2: low.toFixed(1) });
}

/** Whether two curves would lie on each other. */
function sameCurve(points, before) {
  const [now, then] = [readPoints(points), readPoints(before)];
  const near = (one, other) => Object.is(one, other) || Math.abs(Math.log10(one / other)) < 0.02;
  return now.length === then.length && now.every((row, index) => near(row.h, then[index].h) && near(row.error, then[index].error));
}

/** Those of the run that this one is compared with. */
function earlierErrors(earlier, frame) {
  const points = trace(earlier, "error", frame);
  if (points.length < 2) return [];
  const [x, y] = points[points.length - 1]; // a branch that rises to the right leaves room on its left
  return [
    draw("path", { class: "before-line", d: path(points) }),
    draw("text", { class: "on-before", x: x - 10, y: Math.min(Math.max(y + 4, frame.top + 10), frame.bottom - 26), "text-anchor": "end" }, "before"),
  ];
}

/** Its label stands in the middle, where a V is low and a flat curve rarely is. */
function allowedLine(allowed, frame) {
  const value = Number(allowed);
  if (!(value > 0) || !isNumber(value)) return [];
  const y = frame.y(value);
  return [
    draw("line", { class: "allowed", x1: frame.left, x2: frame.right, y1: y, y2: y }),
    draw("text", { class: "on-allowed", x: (frame.left + frame.right) / 2, y: y - 6, "text-anchor": "middle" }, `allowed ${show(value, 2)}`),
  ];
}

function takenLine(taken, frame) {
  const value = Number(taken);
  const x = frame.x(value);
  if (!(x >= frame.left && x <= frame.right)) return [];
  const end = x > frame.right - 90;
  return [
    draw("line", { class: "taken", x1: x, x2: x, y1: frame.top, y2: frame.bottom }),
    draw("text", { class: "on-taken", x: x + (end ? -6 : 6), y: frame.bottom - 9, "text-anchor": end ? "end" : "start" }, "h taken"),
  ];
}

/** A line of slope 2 under the branch that falls like h², where there is one: the order that central differences have. */
function truncation(rows, frame) {
  const order = (one, other) => Math.log(other.error / one.error) / Math.log(other.h / one.h);
  const falls = rows.slice(1).map((row, index) => Math.abs(order(rows[index], row) - 2) < 0.35);
  const end = falls.lastIndexOf(true);
  if (end < 1 || !falls[end - 1]) return [];
  let start = end;
  while (start > 0 && falls[start - 1]) start -= 1;
  const [low, high] = [rows[start], rows[end + 1]];
  const at = (h) => frame.y((high.error / 4) * (h / high.h) ** 2);
  if (at(low.h) > frame.bottom) return [];
  const [x, y] = [(frame.x(low.h) + frame.x(high.h)) / 2, (at(low.h) + at(high.h)) / 2];
  const atEdge = x > frame.right - 110;
  return [
    draw("line", { class: "slope", x1: frame.x(low.h), y1: at(low.h), x2: frame.x(high.h), y2: at(high.h) }),
    draw("text", { x: atEdge ? frame.right : x + 8, y: y + 16, "text-anchor": atEdge ? "end" : "start" }, "truncation, ∝ h²"),
  ];
}

function spoken(rows, allowed) {
  const found = rows.map((row) => row.error).filter(isNumber);
  if (!found.length) return "Error against step size; it is finite at no step.";
  return `Error against step size over ${rows.length} steps, smallest ${show(Math.min(...found))}; allowed ${show(allowed)}.`;
}
