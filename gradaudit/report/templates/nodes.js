// Nodes of the page, out of which all else is built: user text only ever becomes a text node.

/** `make("p", {class: "x"}, "text", child)`; attributes that are null are left out. */
function make(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function draw(name, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

/** Text whose numbers stay on one line: `5e-07` does not break after its sign. */
function unbroken(text) {
  return text.split(/(\s+)/).map((word) => (/\de[-+]\d/.test(word) ? make("span", { class: "unbroken" }, word) : word));
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== "" && child !== undefined));
  return node;
}

/** The head of a table; columns of numbers are those that `isNumeric(index)` holds for, and an empty label heads nothing. */
function tableHead(labels, isNumeric = () => false) {
  const cells = labels.map((label, index) => (label ? make("th", { scope: "col", class: isNumeric(index) ? "number" : null }, label) : make("td")));
  return make("thead", {}, make("tr", {}, cells));
}

/** A table of plain cells, row by row. */
function plainTable(labels, rows, isNumeric) {
  const cell = (value, index) => make("td", { class: isNumeric(index) ? "number" : null }, value);
  const lines = rows.map((row) => make("tr", {}, row.map(cell)));
  return make("table", { class: "values" }, tableHead(labels, isNumeric), make("tbody", {}, lines));
}
