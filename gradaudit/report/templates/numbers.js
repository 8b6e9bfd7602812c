// Numbers as text.

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
  if (size === 0) return ["0", "0"];
  const wanted = bar > 0 && isNumber(bar) ? Math.ceil(Math.log10(size / bar)) + 2 : 17;
  const digits = Math.min(17, Math.max(4, wanted));
  if (size < 1e-4 || size >= 1e9) return [a, n].map((v) => v.toExponential(digits - 1).replace("+", ""));
  const decimals = Math.min(20, Math.max(0, digits - 1 - Math.floor(Math.log10(size))));
  return [a, n].map((v) => v.toFixed(decimals));
}

function decade(exponent) {
  return "10" + [...String(exponent)].map((digit) => SUPERSCRIPTS[digit]).join("");
}
