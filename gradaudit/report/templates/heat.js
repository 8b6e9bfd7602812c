// The heat map: error ÷ allowed of every element of an input. Blue is allowed, red is not, and is marked too.

const HEAT_GAP = 1;

/** How hot: 0–4 within the tolerance, 5–8 beyond it; null where nothing was checked. */
function heatLevel(error) {
  if (error === null) return null;
  if (error === "Infinity") return 8;
  if (!(error > 0)) return 0;
  const decades = Math.log10(error);
  return decades <= 0 ? Math.max(0, Math.min(4, 4 + Math.floor(decades / 2 + 0.5))) : Math.min(8, 5 + Math.floor(decades / 2));
}

/** `onChoose` is told the number of a clicked cell, `onPoint` that of the one pointed at, or undefined. */
function drawHeat(heat, { width, onChoose, onPoint }) {
  const { cells, across, down } = layOut(heat, width);
  const size = Math.max(3, Math.min(26, Math.floor(width / across)));
  const svg = draw("svg", {
    class: "heat", viewBox: `0 0 ${across * size} ${down * size}`, width: across * size, height: down * size, role: "img",
    "aria-label": spokenHeat(heat),
  });
  for (const { error, column, row, cell } of cells) {
    const level = heatLevel(error);
    const edge = size > 5 ? HEAT_GAP : 0;
    const at = { x: column * size, y: row * size, width: size - edge, height: size - edge };
    const square = draw("rect", { ...at, class: level === null ? "unchecked" : `heat-${level}`, "data-cell": cell });
    svg.append(square);
    if (level >= 5 && size >= 9) svg.append(draw("circle", { class: "hot", cx: at.x + at.width / 2, cy: at.y + at.height / 2, r: 2.2 }));
  }
  const hit = ({ target }) => (target.dataset.cell === undefined ? undefined : Number(target.dataset.cell));
  svg.addEventListener("pointermove", (event) => onPoint(hit(event)));
  svg.addEventListener("pointerleave", () => onPoint(undefined));
  svg.addEventListener("click", (event) => { if (hit(event) !== undefined) onChoose(hit(event)); });
  return svg;
}

/** Where each cell stands: as in the array, but that one long row is wrapped. */
function layOut(heat, width) {
  const count = heat.errors.length;
  const across = heat.columns === count ? Math.min(count, Math.max(16, Math.min(32, Math.floor(width / 10)))) : heat.columns;
  const cells = heat.errors.map((error, cell) => ({ error, cell, column: cell % across, row: Math.floor(cell / across) }));
  return { cells, across, down: Math.ceil(count / across) };
}

/** Index of the first element of a cell along every axis: [2, 0, 16]. */
function cellIndex(heat, cell) {
  const [tall, wide] = heat.block;
  let flat = Math.floor(cell / heat.columns) * tall;
  const index = [(cell % heat.columns) * wide];
  for (const size of heat.shape.slice(0, -1).reverse()) {
    index.unshift(flat % size);
    flat = Math.floor(flat / size);
  }
  return index;
}

/** The cell in which an element such as `w[2, 0, 16]` lies, or -1. */
function cellOf(heat, label) {
  const found = /^(.*)\[([\d, ]+)\]/.exec(label);
  if (!found || found[1] !== heat.input) return -1;
  const index = found[2].split(",").map(Number);
  if (index.length !== heat.shape.length) return -1;
  const row = index.slice(0, -1).reduce((flat, one, axis) => flat * heat.shape[axis] + one, 0);
  return Math.floor(row / heat.block[0]) * heat.columns + Math.floor(index[index.length - 1] / heat.block[1]);
}

function cellName(heat, cell) {
  const index = cellIndex(heat, cell);
  const many = heat.block[0] * heat.block[1] > 1 ? " and its block" : "";
  return `${heat.input}[${index.join(", ")}]${many}`;
}

function spokenHeat(heat) {
  const beyond = heat.errors.filter((error) => heatLevel(error) >= 5).length;
  return `Error over ${heat.input}, shape ${heat.shape.join(" by ")}: ${beyond} of ${heat.errors.length} cells beyond what is allowed.`;
}

function heatKey() {
  const swatch = (level) => make("i", { class: `swatch heat-${level}` });
  return make("span", { class: "heat-key" }, "≤ 1e-8", [0, 1, 2, 3, 4].map(swatch), "allowed", [5, 6, 7, 8].map(swatch), "≥ 1e6");
}
