// Wires the page: unpack the index, show the queue and the case that the address names, listen to keys.

const article = document.getElementById("case");
const filterBox = document.getElementById("filter");
const groupBox = document.getElementById("group");
const help = document.getElementById("help");
let currentRow = null;

/** `#id&queue=new&filter=s:fail&sort=-error&group=function&view=matrix`: everything but the id may be missing, and it too. */
function readAddress() {
  const [first, ...pairs] = location.hash.slice(1).split("&");
  const given = new URLSearchParams(pairs.join("&"));
  let id = first;
  try { id = decodeURIComponent(first); } catch { /* a mangled link is taken as it is */ }
  const sort = given.get("sort") ?? "";
  return {
    row: rows.find((one) => one.id === id),
    queue: given.get("queue") ?? "", filter: given.get("filter") ?? "", group: given.get("group") ?? "", view: given.get("view") ?? "cases",
    sort: sort.replace(/^-/, ""), descending: sort.startsWith("-"),
  };
}

/** A replaced address: j and k do not fill the history, and links can be copied at any time. */
function writeAddress() {
  const given = new URLSearchParams();
  if (state.queue !== page.queues[0].key) given.set("queue", state.queue);
  if (state.filter) given.set("filter", state.filter);
  if (state.sort) given.set("sort", `${state.descending ? "-" : ""}${state.sort}`);
  if (state.group) given.set("group", state.group);
  if (state.view !== "cases") given.set("view", state.view);
  const chosen = currentRow && document.body.classList.contains("open") ? encodeURIComponent(currentRow.id) : "";
  const tail = String(given);
  history.replaceState(null, "", `#${chosen}${tail && `&${tail}`}`);
}

/** Whatever was chosen about the list. */
function changed() {
  for (const chip of document.querySelectorAll(".chip[data-queue]")) chip.setAttribute("aria-pressed", String(chip.dataset.queue === state.queue));
  for (const tab of document.querySelectorAll("[data-view]")) tab.setAttribute("aria-pressed", String(tab.dataset.view === state.view));
  if (filterBox.value !== state.filter) filterBox.value = state.filter;
  groupBox.value = state.group;
  const overview = document.getElementById("overview");
  const view = VIEWS[state.view];
  document.querySelector(".list").dataset.view = state.view;
  refreshTable();
  overview.hidden = !view;
  table.hidden = Boolean(view);
  overview.replaceChildren(...(view ? view(chosenRows()) : []));
  writeAddress();
}

function choose(part) {
  Object.assign(state, part);
  document.querySelector(".list .scroll").scrollTop = 0;
  changed();
}

/** Whether the case stands in the place of the list, for which a narrow screen has no room beside it. */
const coversList = () => getComputedStyle(document.querySelector(".list")).display === "none";

async function open(row, { reveal = true } = {}) {
  currentRow = row;
  for (const one of body.querySelectorAll("[aria-current]")) one.removeAttribute("aria-current");
  if (reveal) revealRow(row);
  body.querySelector(`tr[data-i="${row.index}"]`)?.setAttribute("aria-current", "true");
  let parts;
  try {
    parts = caseView(await evidenceOf(row), row);
  } catch (problem) {
    parts = [make("p", { class: "caption" }, `The evidence of ${row.id} cannot be shown: ${problem.message}`)];
  }
  if (row !== currentRow) return; // another was opened meanwhile
  article.replaceChildren(...parts);
  article.scrollTop = 0;
  if (coversList()) scrollTo(0, 0);
  article.querySelector(".tabs button")?.click();
}

function go(row) {
  document.body.classList.add("open");
  const opened = open(row);
  writeAddress();
  return opened;
}

/** To the row that the case was opened from, with the focus where it was in the case. */
function back() {
  const [covered, focused] = [coversList(), article.contains(document.activeElement)];
  document.body.classList.remove("open");
  if (covered) revealRow(currentRow);
  if (focused) body.querySelector(`tr[data-i="${currentRow?.index}"] a`)?.focus({ preventScroll: true });
  writeAddress();
}

function step(by) {
  const shown = items.filter((item) => item.heading === undefined);
  const next = shown[Math.min(shown.length - 1, Math.max(0, shown.indexOf(currentRow) + by))];
  if (next) go(next);
}

function stepQueue(by) {
  const keys = page.queues.map((queue) => queue.key);
  const next = keys[Math.min(keys.length - 1, Math.max(0, keys.indexOf(state.queue) + by))];
  if (next !== state.queue) chooseQueue(next);
}

/** A queue opens on its first case where there is room for both. */
function chooseQueue(queue) {
  choose({ queue });
  const first = items.find((item) => item.heading === undefined);
  if (first && !document.body.classList.contains("open")) open(first, { reveal: false });
  else if (first) go(first);
}

const KEYS = {
  j: () => step(1), k: () => step(-1), "]": () => stepQueue(1), "[": () => stepQueue(-1),
  "/": () => { back(); filterBox.focus(); filterBox.select(); }, "?": () => help.showModal(), Escape: () => back(),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  const typing = event.target === filterBox;
  if (event.key === "Escape" && typing) {
    if (filterBox.value) choose({ filter: "" }); else filterBox.blur();
  } else if (event.key === "Enter" && typing) {
    filterBox.blur();
    const first = items.find((item) => item.heading === undefined);
    if (first) go(first);
  } else if (!typing && event.target !== groupBox && KEYS[event.key]) {
    event.preventDefault();
    KEYS[event.key]();
  }
}

function remembered(theme) {
  // From disk some browsers keep nothing: the switch still works.
  try {
    if (theme !== undefined) localStorage.setItem("gradaudit-theme", theme);
    return localStorage.getItem("gradaudit-theme") ?? "";
  } catch { return ""; }
}

function switchTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  remembered(root.dataset.theme);
}

/** Links to cases anywhere in the page open them; with a key held they are the browser's. */
function onClick(event) {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (event.target.closest("[data-back]")) { back(); return; }
  const inTable = event.target.closest("#cases tbody tr[data-i]");
  const href = event.target.closest("a[href^='#']")?.getAttribute("href");
  const row = inTable ? rows[Number(inTable.dataset.i)] : href && rows.find((one) => `#${encodeURIComponent(one.id)}` === href);
  if (!row || (!href && String(getSelection()))) return; // who marks text in a row does not mean to leave it
  event.preventDefault();
  go(row).then(() => article.focus({ preventScroll: true }));
}

function listen() {
  for (const chip of document.querySelectorAll(".chip[data-queue]")) chip.addEventListener("click", () => chooseQueue(chip.dataset.queue));
  for (const tab of document.querySelectorAll("[data-view]")) tab.addEventListener("click", () => choose({ view: tab.dataset.view }));
  filterBox.addEventListener("input", () => choose({ filter: filterBox.value }));
  groupBox.addEventListener("change", () => choose({ group: groupBox.value }));
  document.getElementById("theme").addEventListener("click", switchTheme);
  document.getElementById("keys").addEventListener("click", () => help.showModal());
  addEventListener("click", onClick);
  addEventListener("keydown", onKey);
  addEventListener("scroll", drawRows, { capture: true, passive: true });
  addEventListener("resize", refit);
  addEventListener("hashchange", () => followAddress(readAddress()));
  addEventListener("beforeprint", () => { drawAll = true; drawRows(); });
  addEventListener("afterprint", () => { drawAll = false; drawRows(); });
}

async function followAddress({ row, ...given }) {
  const queue = page.queues.find((one) => one.key === given.queue) ?? page.queues[0];
  // A link to a case outside of the first queue still shows it in its list.
  const shown = !row || given.queue || queue.members.includes(row.index) ? queue.key : "all";
  Object.assign(state, { ...given, queue: shown, sort: COLUMNS.some((one) => one.key === given.sort) ? given.sort : "" });
  document.body.classList.toggle("open", Boolean(row));
  changed();
  const first = row ?? items.find((item) => item.heading === undefined);
  if (first) await open(first, { reveal: Boolean(row) });
  writeAddress();
}

async function main() {
  const theme = remembered();
  if (theme) document.documentElement.dataset.theme = theme;
  try {
    page = await unpack(document.getElementById("index").textContent);
  } catch {
    document.querySelector(".list").replaceChildren(make("p", { class: "notice" },
      "This browser cannot unpack the report (it lacks DecompressionStream). results.csv, elements.csv and curves.csv beside this file hold the same numbers."));
    return;
  }
  rows = readRows();
  makeHeader();
  listen();
  await followAddress(readAddress());
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
}

document.documentElement.classList.add("js");
main();
