// What the page carries: the index, which the table needs at once, and evidence in parts, unpacked when it is asked for.

/** Raw deflate in base64 to plain data. */
async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return JSON.parse(await new Response(stream).text());
}

const evidenceFolder = document.body.dataset.evidence;
const unpacked = new Map();
const awaited = new Map();

// A part that stands in a file of its own calls this with its text. Scripts load from disk, where nothing can be fetched.
globalThis.gradauditPart = (number, text) => awaited.get(number)?.(text);

function partText(number) {
  const embedded = document.querySelector(`script[data-part="${number}"]`);
  if (embedded) return Promise.resolve(embedded.textContent);
  return new Promise((resolve, reject) => {
    awaited.set(number, resolve);
    const name = `${evidenceFolder}/${number}.js`;
    const script = make("script", { src: `${encodeURIComponent(evidenceFolder)}/${number}.js` });
    script.addEventListener("error", () => reject(new Error(`${name} is missing: keep this folder beside the report.`)));
    document.head.append(script);
  });
}

/** The evidence of one case, as _detail.py packs it. */
async function evidenceOf(row) {
  const number = Math.floor(row.index / page.perPart);
  if (!unpacked.has(number)) unpacked.set(number, partText(number).then(unpack));
  try {
    return (await unpacked.get(number))[row.index % page.perPart];
  } catch (problem) {
    unpacked.delete(number); // the next click tries again
    throw problem;
  }
}
