// Small pictures in the table: the error-against-step curve, and how the last runs ended.

// The grid on which _index.py draws curves; the tolerance runs through the middle.
const THUMB = { width: 48, height: 16 };
/** Widths of the picture of runs, and of a bar where there are few of them. */
const RUNS = { width: 90, widest: 6 };
const LETTERS = { p: "pass", f: "fail", i: "inconclusive", e: "error", t: "timeout", c: "crash", x: "xfail", u: "xpass" };

function curveThumb(row) {
  const numbers = row.curve ?? [];
  if (numbers.length < 4) return null;
  const points = [];
  for (let at = 0; at < numbers.length; at += 2) points.push(`${numbers[at]} ${numbers[at + 1]}`);
  const middle = THUMB.height / 2;
  return draw("svg", { class: "thumb", viewBox: `-1 -1 ${THUMB.width + 2} ${THUMB.height + 2}`, "aria-hidden": "true" },
    draw("path", { class: "thumb-allowed", d: `M0 ${middle}H${THUMB.width}` }),
    draw("path", { class: "thumb-error", d: `M${points.join("L")}` }));
}

/** Earlier ends, oldest first: [{status, level}]; level 5 is at the tolerance, and each one more ten times as far. */
function pastEnds(row) {
  return (row.runs.match(/../g) ?? []).map(([letter, level]) => ({ status: LETTERS[letter], level: Number(level) }));
}

/** A bar a run, this one last; what passed is low and pale, what did not is tall. */
function runsThumb(row) {
  const ends = [...pastEnds(row), { status: row.status, level: levelOf(row.error), now: true }].slice(-30);
  if (ends.length < 2) return null;
  const slot = Math.min(RUNS.widest, RUNS.width / ends.length);
  const bars = ends.map((end, index) => {
    const height = end.status === "pass" ? 2 + end.level : end.level >= 5 ? 7 + end.level : 12;
    return draw("rect", { class: `run ${end.status}`, x: index * slot, y: 16 - height, width: slot - 1, height });
  });
  return draw("svg", { class: "thumb runs", viewBox: `0 -1 ${RUNS.width} 18`, role: "img", "aria-label": spokenRuns(ends) }, bars);
}

function levelOf(error) {
  if (error === "Infinity") return 9;
  return error > 0 ? Math.min(9, Math.max(0, Math.round(Math.log10(error)) + 5)) : 0;
}

function spokenRuns(ends) {
  const counts = new Map();
  for (const { status } of ends) counts.set(status, (counts.get(status) ?? 0) + 1);
  return `Last ${ends.length} runs: ${[...counts].map(([status, count]) => `${count} ${STATUS_WORDS[status] ?? status}`).join(", ")}`;
}
