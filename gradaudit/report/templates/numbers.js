// Numbers as text, and elements of the page: user text only ever becomes a text node.

const SUPERSCRIPTS = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

const isNumber = (value) => Number.isFinite(value);

function tidy(text) {
  const [mantissa, exponent] = text.split("e");
  const short = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  return exponent === undefined ? short : `${short}e${exponent.replace("+", "")}`;
}

/** A number for reading, to `digits` significant digits. */
function show(value, digits = 3) {
  const number = Number(value);
  if (!isNumber(number)) return String(value);
  const size = Math.abs(number);
  if (Number.isInteger(number) && size < 1e5) return number.toLocaleString("en-US");
  if (size < 1e-4 || size >= 1e5) return tidy(number.toExponential(digits - 1));
  if (size >= 10 ** digits) return String(Math.round(number));
  return tidy(number.toPrecision(digits));
}

/** Analytic and numeric at one precision: what the error bar resolves, and two digits more. */
function alike(analytic, numeric, uncertainty) {
  const [a, n, bar] = [analytic, numeric, uncertainty].map(Number);
  if (!isNumber(a) || !isNumber(n)) return [String(analytic), String(numeric)];
  const size = Math.max(Math.abs(a), Math.abs(n));
  const wanted = bar > 0 && isNumber(bar) && size ? Math.ceil(Math.log10(size / bar)) + 2 : 17;
  const digits = Math.min(17, Math.max(4, wanted));
  if (size && (size < 1e-4 || size >= 1e9)) return [a, n].map((v) => v.toExponential(digits - 1).replace("+", ""));
  const decimals = Math.min(20, Math.max(0, digits - 1 - (size ? Math.floor(Math.log10(size)) : 0)));
  return [a, n].map((v) => v.toFixed(decimals));
}

function decade(exponent) {
  return "10" + [...String(exponent)].map((digit) => SUPERSCRIPTS[digit]).join("");
}

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
