// The language of the filter box: words must all hold; `s:fail`, `@torch`, `tag:x`, `owner:x`, `d:sign`; `!` negates.

const FIELDS = {
  s: "status", status: "status", d: "diagnosis", diagnosis: "diagnosis", tag: "tags", owner: "owner", engine: "engine", change: "change",
};
/** Cases that took this many seconds are slow. */
const SLOW = 1;

/** A test on rows. */
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
  if (word === "slow") return (row) => row.text.includes(word) || row.seconds >= SLOW;
  const colon = word.indexOf(":");
  const field = FIELDS[word.slice(0, colon)];
  if (colon < 1 || !field) return (row) => row.text.includes(word);
  const value = word.slice(colon + 1);
  if (field === "status") return (row) => row.status.startsWith(value) || row.statusWord.startsWith(value);
  return (row) => String(row[field]).toLowerCase().includes(value);
}
