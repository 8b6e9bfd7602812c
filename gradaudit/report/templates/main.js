// Wires the page: unpack the evidence, open the case of the address, listen to keys.

const article = document.getElementById("case");
let evidence = null;
let current = null;

async function unpack() {
  const bytes = Uint8Array.from(atob(document.getElementById("payload").textContent), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return JSON.parse(await new Response(stream).text());
}

function addressed() {
  let id = location.hash.slice(1);
  try { id = decodeURIComponent(id); } catch { /* a mangled link is taken as it is */ }
  return rows.find((row) => row.id === id);
}

function open(row, { follow = true } = {}) {
  current?.node.removeAttribute("aria-current");
  current = row;
  row.node.setAttribute("aria-current", "true");
  if (follow) row.node.scrollIntoView({ block: "nearest" });
  article.scrollTop = 0;
  if (!evidence) return;
  article.replaceChildren(...caseView(evidence[row.index]));
  article.querySelector(".tabs button")?.click();
}

/** A replaced address: j and k do not fill the history, and links can be copied at any time. */
function go(row) {
  history.replaceState(null, "", `#${encodeURIComponent(row.id)}`);
  document.body.classList.add("open");
  open(row);
}

function back() {
  document.body.classList.remove("open");
  history.replaceState(null, "", location.pathname + location.search);
}

function step(by) {
  const visible = visibleRows();
  const next = visible[Math.min(visible.length - 1, Math.max(0, visible.indexOf(current) + by))];
  if (next) go(next);
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target === filterBox;
  if (event.key === "Escape") {
    if (typing && filterBox.value) { filterBox.value = ""; filterRows(); } else if (typing) filterBox.blur(); else back();
  } else if (typing) {
    if (event.key === "Enter") { filterBox.blur(); const first = visibleRows()[0]; if (first) go(first); }
  } else if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else if (event.key === "/") { event.preventDefault(); back(); filterBox.focus(); }
}

function switchTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
}

function start() {
  document.documentElement.classList.add("js");
  document.querySelectorAll("#cases th").forEach(makeSortable);
  for (const chip of chips) chip.addEventListener("click", () => chooseStatus(chip.dataset.status));
  filterBox.addEventListener("input", filterRows);
  document.querySelector("#cases tbody").addEventListener("click", (event) => {
    const row = rows.find(({ node }) => node === event.target.closest("tr"));
    if (!row || event.ctrlKey || event.metaKey || String(getSelection())) return;
    event.preventDefault();
    go(row);
    article.focus({ preventScroll: true });
  });
  article.addEventListener("click", (event) => { if (event.target.closest("[data-back]")) back(); });
  document.getElementById("theme").addEventListener("click", switchTheme);
  addEventListener("keydown", onKey);
  addEventListener("hashchange", () => { const row = addressed(); if (row) go(row); });
}

async function main() {
  start();
  const linked = addressed();
  if (linked) document.body.classList.add("open");
  const first = linked ?? rows[0];
  if (first) open(first, { follow: Boolean(linked) });
  try {
    evidence = await unpack();
  } catch {
    article.replaceChildren(make("p", { class: "caption" },
      "This browser cannot unpack the evidence (it lacks DecompressionStream). The table is complete; elements.csv and curves.csv beside this file hold the rest."));
    return;
  }
  if (first) open(current, { follow: Boolean(linked) });
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
}

main();
