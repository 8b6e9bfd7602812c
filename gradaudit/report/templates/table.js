// The table that the page came with, made sortable and filterable in place.

const rows = [...document.querySelectorAll("#cases tbody tr")].map((node) => ({
  node,
  index: Number(node.dataset.i),
  status: node.className,
  id: node.querySelector("a").textContent,
  engine: node.dataset.engine,
  owner: node.dataset.owner,
  tags: node.dataset.tags,
  diagnosis: node.cells[2].textContent,
}));
for (const row of rows) row.text = `${row.id} ${row.diagnosis} ${row.node.cells[1].textContent}`.toLowerCase();

const FIELDS = { s: "status", status: "status", tag: "tags", owner: "owner", engine: "engine", d: "diagnosis" };
const chips = [...document.querySelectorAll(".chip[data-status]")];
const filterBox = document.getElementById("filter");
let chosenStatus = "";

/** A test on rows: words must all hold; `s:fail`, `@torch`, `tag:x`, `owner:x`, `d:sign`; `!` in front negates. */
function matcher(query) {
  const tests = query.toLowerCase().split(/\s+/).filter(Boolean).map((word) => {
    const negated = word.length > 1 && word.startsWith("!");
    const test = wordTest(negated ? word.slice(1) : word);
    return negated ? (row) => !test(row) : test;
  });
  return (row) => tests.every((test) => test(row));
}

function wordTest(word) {
  if (word.startsWith("@")) return (row) => row.engine.toLowerCase().startsWith(word.slice(1));
  const colon = word.indexOf(":");
  const field = FIELDS[word.slice(0, colon)];
  if (colon < 1 || !field) return (row) => row.text.includes(word);
  const value = word.slice(colon + 1);
  if (field === "status") return (row) => row.status.startsWith(value);
  return (row) => row[field].toLowerCase().includes(value);
}

function filterRows() {
  const matches = matcher(filterBox.value);
  for (const row of rows) row.node.hidden = !(matches(row) && (!chosenStatus || row.status === chosenStatus));
  const count = visibleRows().length;
  document.getElementById("shown").textContent = `${count} of ${rows.length}`;
  document.getElementById("none").hidden = count > 0;
}

const visibleRows = () => rows.filter((row) => !row.node.hidden);

function chooseStatus(status) {
  chosenStatus = status;
  for (const chip of chips) chip.setAttribute("aria-pressed", String(chip.dataset.status === status));
  filterRows();
}

/** What a cell is sorted by: numbers by value, the missing last; the status by severity, which is the first order. */
function sortKey(row, column) {
  if (column === 0) return row.index;
  const cell = row.node.cells[column];
  return cell.dataset.v === undefined ? cell.textContent.toLowerCase() : Number(cell.dataset.v || NaN);
}

function compare(one, other) {
  if (typeof one === "string") return one.localeCompare(other, undefined, { numeric: true });
  return one - other;
}

function sortRows(column, descending) {
  const keyed = rows.map((row) => [sortKey(row, column), row]);
  const missing = ([key]) => Number.isNaN(key);
  keyed.sort((one, other) =>
    missing(one) - missing(other) || (missing(one) ? 0 : compare(one[0], other[0]) * (descending ? -1 : 1)) || one[1].index - other[1].index);
  rows.splice(0, rows.length, ...keyed.map(([, row]) => row));
  document.querySelector("#cases tbody").append(...rows.map((row) => row.node));
}

function makeSortable(header, column) {
  const button = make("button", { type: "button" }, header.textContent);
  header.replaceChildren(button);
  button.addEventListener("click", () => {
    const numeric = header.classList.contains("number");
    const before = header.getAttribute("aria-sort");
    // Numbers are most useful largest first, words from A.
    const descending = before ? before === "ascending" : numeric;
    for (const other of document.querySelectorAll("#cases th")) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", descending ? "descending" : "ascending");
    sortRows(column, descending);
  });
}
