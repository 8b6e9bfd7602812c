// The table of cases: filtered, sorted, grouped, and drawn only where it is seen, so that thousands of rows stay quick.

const STATUS_WORDS = { xfail: "expected fail", xpass: "unexpected pass" };
const TABLE_WORDS = { xfail: "expected", xpass: "unexpected" };
/** Up to this many rows all are drawn, so that the browser's own search finds them. */
const ALL_DRAWN = 400;
const OVERSCAN = 12;

let page = null; // the index
let rows = []; // every case, worst first
let items = []; // what the table shows now: rows, and headings of groups
let drawAll = false; // for print
const state = { queue: "all", filter: "", sort: "", descending: false, group: "", view: "cases" };

const table = document.getElementById("cases");
const body = table.tBodies[0];

/** One object a case from the columns of the index. */
function readRows() {
  const columns = Object.entries(page.rows);
  const count = columns.length ? columns[0][1].length : 0;
  return Array.from({ length: count }, (_, index) => {
    const row = { index };
    for (const [name, values] of columns) row[name] = values[index];
    row.statusWord = STATUS_WORDS[row.status] ?? row.status;
    row.text = `${row.id} ${row.diagnosis} ${row.statusWord} ${row.change}`.toLowerCase();
    return row;
  });
}

const icon = (name) => draw("svg", { class: "icon", "aria-hidden": "true" }, draw("use", { href: `#i-${name}` }));
const short = (value, digits = 2) => (value === null ? "–" : value === "Infinity" ? "∞" : value === "-Infinity" ? "−∞" : show(value, digits));
const asNumber = (value) => (value === null ? NaN : Number(value));

/** Where a long id may be broken: before its axes, after a comma. */
const breakable = (id) => id.split(/(?=\[)|(?<=,)/).flatMap((part, index) => (index ? [make("wbr"), part] : [part]));

/** Ids are set in two lines where one is too short; a column that leaves them less goes, the highest `leaves` first. */
function idWidth() {
  const lengths = rows.map((row) => row.id.length).sort((one, other) => one - other);
  const common = lengths[Math.floor(0.95 * lengths.length)] ?? 0;
  return Math.min(260, Math.max(150, 0.6 * 7.6 * common), innerWidth / 3);
}

const COLUMNS = [
  { key: "status", label: "Status", width: 114, sort: (row) => row.index, cell: (row) => [icon(row.status), TABLE_WORDS[row.status] ?? row.status] },
  { key: "id", label: "Case", sort: (row) => row.id.toLowerCase(), cell: (row) => make("a", { href: `#${encodeURIComponent(row.id)}`, title: row.id }, breakable(row.id)) },
  { key: "diagnosis", label: "Diagnosis", width: 132, leaves: 2, sort: (row) => row.diagnosis, cell: (row) => make("span", { title: row.diagnosis }, row.diagnosis) },
  { key: "error", label: "Error ÷ tol.", width: 96, number: true, title: "error_over_tolerance: largest |analytic − numeric| ÷ allowed; at most 1 passes", sort: (row) => asNumber(row.error), cell: (row) => short(row.error) },
  { key: "change", label: "Change", width: 92, leaves: 1, title: "Since the run that this one is compared with; in decades of error ÷ tolerance", sort: (row) => asNumber(row.decades), descends: true, shown: () => page.compared, cell: changeCell },
  { key: "curve", label: "Curve", width: 72, leaves: 3, title: "Error against step, both logarithmic; the line in the middle is the tolerance", shown: () => rows.some((row) => row.curve.length), cell: curveThumb },
  { key: "runs", label: "Last runs", width: 100, leaves: 4, title: "Earlier runs and this one; tall bars did not pass", shown: () => rows.some((row) => row.runs), sort: (row) => pastEnds(row).filter((end) => end.status !== "pass").length, descends: true, cell: runsThumb },
  { key: "bound", label: "Bound", width: 78, leaves: 7, number: true, title: "The largest relative error that a pass could have missed", sort: (row) => asNumber(row.bound), cell: (row) => short(row.bound) },
  { key: "seconds", label: "Seconds", width: 84, leaves: 5, number: true, title: "duration_s: in the worker, loading included", sort: (row) => asNumber(row.seconds), cell: (row) => (row.seconds === null ? "–" : Number(row.seconds).toFixed(row.seconds < 9.995 ? 2 : 0)) },
  { key: "owner", label: "Owner", width: 110, leaves: 6, shown: () => rows.some((row) => row.owner), sort: (row) => row.owner.toLowerCase(), cell: (row) => row.owner },
  { key: "tags", label: "Tags", width: 120, leaves: 8, shown: () => rows.some((row) => row.tags.length), sort: (row) => row.tags.join(" "), cell: (row) => make("span", { title: row.tags.join(" ") }, row.tags.join(" ")) },
];
let columns = [];

function changeCell(row) {
  if (!row.change || row.change === "same") return null;
  const moved = row.decades !== null && Math.abs(row.decades) >= 0.05;
  const by = moved ? make("span", { class: "by" }, `${row.decades > 0 ? "+" : "−"}${Math.abs(row.decades).toFixed(Math.abs(row.decades) < 9.95 ? 1 : 0)}`) : null;
  return [make("span", { class: `change ${row.change}` }, row.change), by];
}

const GROUPS = {
  function: (row) => row.name,
  diagnosis: (row) => row.diagnosis || "no diagnosis",
  status: (row) => row.statusWord,
  owner: (row) => row.owner || "no owner",
  engine: (row) => row.engine || "no engine",
  tags: (row) => row.tags.join(" ") || "no tags",
};

/** The rows that the queue and the filter leave, sorted. */
function chosenRows() {
  const queue = page.queues.find((one) => one.key === state.queue);
  const matches = matcher(state.filter);
  const found = (queue ? queue.members.map((index) => rows[index]) : rows).filter(matches);
  const column = COLUMNS.find((one) => one.key === state.sort);
  return column ? sorted(found, column.sort, state.descending) : found;
}

/** n=8 stands before n=33. */
const WORDS = new Intl.Collator(undefined, { numeric: true });

/** Numbers by value, words as people read them; what is missing comes last either way, equals stay worst first. */
function sorted(found, key, descending) {
  const sign = descending ? -1 : 1;
  const keyed = found.map((row) => [key(row), row]);
  const missing = ([value]) => Number.isNaN(value) || value === "";
  const compare = (one, other) => (typeof one === "string" ? WORDS.compare(one, other) : one - other);
  keyed.sort((one, other) =>
    missing(one) - missing(other) || (missing(one) ? 0 : sign * compare(one[0], other[0])) || one[1].index - other[1].index);
  return keyed.map(([, row]) => row);
}

/** Groups in the order of their first row, each under a heading. */
function grouped(found, name) {
  const groups = new Map();
  for (const row of found) {
    const value = GROUPS[name](row);
    if (!groups.has(value)) groups.set(value, []);
    groups.get(value).push(row);
  }
  return [...groups].flatMap(([value, members]) => [{ heading: value, members }, ...members]);
}

function refreshTable() {
  const found = chosenRows();
  items = GROUPS[state.group] ? grouped(found, state.group) : found;
  document.getElementById("shown").textContent = `${found.length} of ${rows.length}`;
  document.getElementById("none").hidden = found.length > 0;
  table.setAttribute("aria-rowcount", String(items.length + 1));
  markSorted();
  redrawRows();
}

let drawn = null; // the range that stands in the page
let rowHeight = 33; // of every row, in pixels: the style says it, by how narrow the window is

function redrawRows() {
  rowHeight = parseFloat(getComputedStyle(table).getPropertyValue("--row"));
  drawn = null;
  drawRows();
}

function drawRows() {
  const range = visibleRange();
  if (drawn && drawn[0] === range[0] && drawn[1] === range[1]) return;
  drawn = range;
  const [first, last] = range;
  const focused = document.activeElement?.closest?.("#cases tbody tr")?.dataset.i;
  body.replaceChildren(spacer(first), ...items.slice(first, last).map((item, at) => itemRow(item, first + at)), spacer(items.length - last));
  if (focused !== undefined) body.querySelector(`tr[data-i="${focused}"] a`)?.focus({ preventScroll: true });
}

function visibleRange() {
  if (drawAll || items.length <= ALL_DRAWN) return [0, items.length];
  const top = body.getBoundingClientRect().top;
  const first = Math.max(0, Math.floor(-top / rowHeight) - OVERSCAN);
  // In steps: scrolling by a pixel draws nothing anew.
  const start = Math.min(first - (first % OVERSCAN), Math.max(0, items.length - 1));
  return [start, Math.min(items.length, start + Math.ceil(innerHeight / rowHeight) + 3 * OVERSCAN)];
}

function spacer(count) {
  const row = make("tr", { class: "spacer", "aria-hidden": "true" });
  row.style.height = `${count * rowHeight}px`;
  row.hidden = !count;
  return row;
}

function itemRow(item, position) {
  if (item.heading !== undefined) return headingRow(item, position);
  const cells = columns.map((column) =>
    make("td", { class: `c-${column.key}${column.number ? " number" : ""}` }, column.cell(item)));
  const current = item === currentRow ? "true" : null;
  return make("tr", { class: item.status, "data-i": item.index, "aria-rowindex": position + 2, "aria-current": current }, cells);
}

function headingRow({ heading, members }, position) {
  const counts = new Map();
  for (const row of members) counts.set(row.status, (counts.get(row.status) ?? 0) + 1);
  const tally = [...counts].map(([status, count]) => make("span", { class: status }, icon(status), String(count)));
  return make("tr", { class: "group", "aria-rowindex": position + 2 },
    make("th", { colspan: columns.length, scope: "rowgroup" }, make("b", {}, heading), make("span", { class: "tally" }, tally)));
}

/** Brings a row into sight, drawn or not; nothing moves while a view, or on a narrow screen a case, hides the table. */
function revealRow(row) {
  const position = items.indexOf(row);
  if (position < 0 || table.offsetParent === null) return;
  const box = document.querySelector(".list .scroll");
  const scrolls = getComputedStyle(box).overflowY === "auto";
  const head = table.tHead.offsetHeight;
  if (scrolls) {
    const [top, bottom] = [position * rowHeight, (position + 1) * rowHeight];
    const [from, to] = [box.scrollTop, box.scrollTop + box.clientHeight - head];
    if (top < from) box.scrollTop = top - rowHeight;
    else if (bottom > to) box.scrollTop = bottom - (box.clientHeight - head) + rowHeight;
  } else {
    const at = body.getBoundingClientRect().top + position * rowHeight;
    if (at < head || at + rowHeight > innerHeight) scrollBy(0, at - innerHeight / 2);
  }
  drawRows();
}

/** The columns that the cases have something for and that there is room for. */
function fittingColumns() {
  const known = COLUMNS.filter((column) => !column.shown || column.shown());
  const edge = parseFloat(getComputedStyle(table).getPropertyValue("--edge"));
  let room = document.querySelector(".list").clientWidth - edge - idWidth();
  const fits = (column) => {
    room -= column.width ?? 0;
    return !column.leaves || room >= 0;
  };
  const fitting = new Set(known.toSorted((one, other) => (one.leaves ?? 0) - (other.leaves ?? 0)).filter(fits));
  return known.filter((column) => fitting.has(column));
}

function makeHeader() {
  columns = fittingColumns();
  const cells = columns.map((column) => {
    const label = column.sort ? make("button", { type: "button" }, column.label) : column.label;
    const cell = make("th", { scope: "col", class: `c-${column.key}${column.number ? " number" : ""}`, title: column.title ?? null, "data-key": column.key }, label);
    if (column.width) cell.style.width = column.key === "status" ? `calc(var(--edge) + ${column.width}px)` : `${column.width}px`;
    if (column.sort) label.addEventListener("click", () => sortBy(column));
    return cell;
  });
  table.tHead.replaceChildren(make("tr", { "aria-rowindex": "1" }, cells));
  markSorted();
}

function markSorted() {
  for (const header of table.tHead.rows[0].cells) {
    const order = state.descending ? "descending" : "ascending";
    if (header.dataset.key === state.sort) header.setAttribute("aria-sort", order);
    else header.removeAttribute("aria-sort");
  }
}

/** After a change of the window's size. */
function refit() {
  const before = columns.map((column) => column.key).join();
  if (fittingColumns().map((column) => column.key).join() !== before) makeHeader();
  redrawRows();
}

/** Numbers are most useful largest first, words from A; a third click returns to worst first. */
function sortBy(column) {
  const first = Boolean(column.number || column.descends);
  if (state.sort !== column.key) Object.assign(state, { sort: column.key, descending: first });
  else if (state.descending === first) state.descending = !first;
  else Object.assign(state, { sort: "", descending: false });
  changed();
}
