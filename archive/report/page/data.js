// What the page holds: blocks of base64, of zlib, of a head in JSON and typed arrays.
// Whatever comes from an archive becomes text by `node`, never markup.
const TYPES = {
  uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, uint64: BigUint64Array,
};
const $ = (id) => document.getElementById(id);

function node(tag, options = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(options)) {
    if (key === "class") made.className = value;
    else if (key === "on") for (const [name, act] of Object.entries(value)) made.addEventListener(name, act);
    else if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

const told = (text) => node("bdi", {}, String(text));

function pairs(list, pairsOf) {
  list.replaceChildren(...pairsOf.flatMap(([name, text]) => [
    node("dt", {}, told(name)), node("dd", {}, told(text)),
  ]));
  return list;
}

async function unpack(name) {
  const block = document.querySelector(`script[data-block="${name}"]`);
  if (!block) throw new Error(`the block ${name} is missing`);
  const packed = Uint8Array.from(atob(block.textContent), (one) => one.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = await new Response(stream).arrayBuffer();
  const length = new DataView(bytes).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, length)));
  head.arrays = head.arrays.map(([type, at, size]) => new TYPES[type](bytes, 4 + length + at, size));
  return head;
}

const remembered = new Map();
function remember(name) {
  if (!remembered.has(name)) remembered.set(name, unpack(name));
  return remembered.get(name);
}

const whole = (number) => number.toLocaleString("en-GB");
function digits(number, span) {
  if (!Number.isFinite(number)) return String(number);
  if (span && Math.abs(number) < 1e6 && span >= 1e-4) {
    return number.toFixed(Math.max(0, Math.min(6, 2 - Math.floor(Math.log10(span)))));
  }
  return String(Number(number.toPrecision(5)));
}
