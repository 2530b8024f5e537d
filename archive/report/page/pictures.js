// Traces and rasters on canvases that share one stretch of time.
const LEFT = 62, RIGHT = 10, TOP = 8, BOTTOM = 24;
const HEIGHTS = { trace: 190, raster: 220 };
const NONE = 65535, STEPS = 65534;
const view = { panels: [], index: [], from: 0, to: 1, start: 0, stop: 1 };

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function ends(panel) {
  if (panel.kind === "trace" && panel.step !== undefined) return [panel.start, panel.start + panel.step * panel.count];
  return [panel.start, panel.stop];
}

function scaleOf(span) {
  if (span > 20000) return [1e-3, "s"];
  return span < 0.5 ? [1e3, "µs"] : [1, "ms"];
}

function ticks(from, to, wanted) {
  const span = to - from;
  if (!(span > 0) || !Number.isFinite(span)) return [from];
  const rough = span / wanted, size = 10 ** Math.floor(Math.log10(rough));
  const step = size * ([1, 2, 5].find((one) => one * size >= rough) ?? 10);
  const found = [];
  for (let at = Math.ceil(from / step); at * step <= to && found.length < 50; at += 1) found.push(at * step);
  return found;
}

async function chooseSegment(at) {
  const began = performance.now();
  $("segment").value = String(at);
  const segment = await remember(view.index[at].block);
  pairs($("segment-facts"), [...(segment.description ? [["description", segment.description]] : []), ...segment.facts]);
  const others = segment.others.join(", ") + (segment.hidden ? `, and ${whole(segment.hidden)} more` : "");
  $("others").textContent = others ? `Not drawn: ${others}.` : "";
  view.panels = segment.panels.map((panel) => makePanel(panel, segment.arrays));
  $("panels").replaceChildren(...view.panels.map((one) => one.element));
  const all = view.panels.map((one) => ends(one.panel));
  view.start = Math.min(...all.map(([one]) => one));
  view.stop = Math.max(...all.map(([, one]) => one));
  if (!all.length) [view.start, view.stop] = [0, 1];
  if (!(view.stop > view.start)) view.stop = view.start + 1;
  look(view.start, view.stop);
  document.documentElement.dataset.drawn = (performance.now() - began).toFixed(1);
}

function makePanel(panel, arrays) {
  const canvas = node("canvas", { tabIndex: 0, role: "img" });
  const readout = node("div", { class: "note readout" });
  const facts = panel.kind === "trace" ? panel.unit : `${whole(panel.spikes)} spikes of ${whole(panel.neurons)} neurons`;
  canvas.setAttribute("aria-label", `${panel.title}: ${facts}. ${panel.note}`);
  const legend = panel.kind === "trace" && panel.labels.length > 1
    ? [node("div", { class: "legend" }, ...panel.labels.map((label, at) => node("span", { class: `c${at % 8}` }, node("i"), told(label))))] : [];
  const element = node("div", { class: "panel" },
    node("h3", {}, told(panel.title), node("small", {}, told(facts))), ...legend, canvas,
    readout, node("p", { class: "note" }, panel.note ? `Decimated: ${panel.note}.` : ""));
  const made = { panel, canvas, readout, element, arrays: arrays.slice(panel.first), image: null };
  listen(made);
  return made;
}

function look(from, to) {
  const whole_ = view.stop - view.start;
  const span = Math.max(Math.min(to - from, whole_), whole_ / 1e6);
  view.from = Math.max(view.start, Math.min(from, view.stop - span));
  view.to = view.from + span;
  for (const one of view.panels) drawPanel(one);
}

function zoom(factor, middle = (view.from + view.to) / 2) {
  look(middle - (middle - view.from) * factor, middle + (view.to - middle) * factor);
}

const shift = (part) => look(view.from + part * (view.to - view.from), view.to + part * (view.to - view.from));
const KEYS = {
  "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), 0: () => look(view.start, view.stop),
  ArrowLeft: () => shift(-0.25), ArrowRight: () => shift(0.25),
};

function listen(made) {
  const { canvas } = made;
  const time = (event) => {
    const box = canvas.getBoundingClientRect();
    const part = (event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT);
    return view.from + Math.max(0, Math.min(1, part)) * (view.to - view.from);
  };
  let began = null;
  canvas.addEventListener("keydown", (event) => {
    const act = KEYS[event.key];
    if (act && !event.ctrlKey && !event.metaKey) { event.preventDefault(); act(); }
  });
  canvas.addEventListener("pointerdown", (event) => { began = time(event); canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => {
    made.readout.textContent = readOut(made, time(event));
    if (began !== null) drawPanel(made, [began, time(event)]);
  });
  canvas.addEventListener("pointerup", (event) => {
    const [from, to] = [began, time(event)].sort((a, b) => a - b);
    began = null;
    if (to - from > (view.to - view.from) / 100) look(from, to);
    else drawPanel(made);
  });
  canvas.addEventListener("pointercancel", () => { began = null; drawPanel(made); });
  canvas.addEventListener("dblclick", () => look(view.start, view.stop));
  canvas.addEventListener("pointerleave", () => { made.readout.textContent = ""; });
}

// -- traces: each bucket has its smallest value, and if it is of several samples its largest

function bucketTime(made, bucket) {
  const { panel, arrays } = made;
  if (panel.step !== undefined) return panel.start + (bucket * panel.size + (panel.size - 1) / 2) * panel.step;
  return panel.start + (arrays[arrays.of][bucket] / 0xffffffff) * (panel.stop - panel.start);
}

function bucketAt(made, time) {
  const { panel } = made, count = Math.ceil(panel.count / panel.size);
  if (panel.step !== undefined) return Math.max(0, Math.min(count - 1, Math.round((time - panel.start) / panel.step / panel.size - (panel.size - 1) / panel.size / 2)));
  let [low, high] = [0, count - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bucketTime(made, middle) < time) low = middle + 1; else high = middle;
  }
  return low;
}

const valueOf = (code, [bottom, top]) => (code === NONE ? NaN : bottom * (1 - code / STEPS) + top * (code / STEPS));

function channels(made) {
  const { panel, arrays } = made, each = panel.size > 1 ? 2 : 1;
  arrays.of = panel.ranges.length * each;
  return panel.ranges.map((range, at) => ({ range, low: arrays[at * each], high: arrays[at * each + each - 1] }));
}

function drawTraces(made, pen, box, inks) {
  const all = channels(made);
  const first = Math.max(0, bucketAt(made, view.from) - 1);
  const last = Math.min(all[0].low.length - 1, bucketAt(made, view.to) + 1);
  const bottom = Math.min(...all.map((one) => one.range[0])), top = Math.max(...all.map((one) => one.range[1]));
  const half = top / 2 - bottom / 2 || Math.abs(top) / 2 || 0.5, middle = bottom / 2 + top / 2;
  const y = (value) => box.y + box.height / 2 - ((value - middle) / half) * (box.height / 2 - 4);
  axisY(pen, box, ticks(middle - half, middle + half, 4).map((one) => [y(one), digits(one, 2 * half)]), inks);
  pen.save();
  pen.beginPath();
  pen.rect(box.x, box.y, box.width, box.height);
  pen.clip();
  all.forEach(({ range, low, high }, at) => {
    pen.strokeStyle = inks.lines[at % 8];
    pen.lineWidth = 1;
    pen.beginPath();
    let open = false;
    for (let bucket = first; bucket <= last; bucket += 1) {
      if (low[bucket] === NONE) { open = false; continue; }
      const x = box.x + ((bucketTime(made, bucket) - view.from) / (view.to - view.from)) * box.width;
      const [one, other] = [y(valueOf(low[bucket], range)), y(valueOf(high[bucket], range))];
      if (open) pen.lineTo(x, one); else pen.moveTo(x, one);
      pen.lineTo(x, one === other ? other + 0.01 : other);
      open = true;
    }
    pen.stroke();
  });
  pen.restore();
}

// -- rasters: spikes one by one, or an image of how many fall into each field

function drawSpikes(made, pen, box, inks) {
  const { panel, arrays: [times, neurons] } = made;
  const rows = Math.max(1, panel.neurons), height = Math.max(2, Math.min(8, (box.height / rows) * 0.8));
  pen.fillStyle = inks.spike;
  for (let at = 0; at < times.length; at += 1) {
    const time = panel.start + (times[at] / 0xffffffff) * (panel.stop - panel.start);
    if (time < view.from || time > view.to) continue;
    const x = box.x + ((time - view.from) / (view.to - view.from)) * box.width;
    pen.fillRect(x - 0.5, box.y + box.height * (1 - (neurons[at] + 0.5) / rows) - height / 2, 1.5, height);
  }
}

function fieldImage(made, inks) {
  const { panel, arrays: [fields] } = made;
  if (made.image?.ink === inks.spike) return made.image;
  const image = node("canvas", { width: panel.columns, height: panel.rows });
  const pen = image.getContext("2d", { willReadFrequently: true }), data = pen.createImageData(panel.columns, panel.rows);
  pen.fillStyle = inks.spike;
  pen.fillRect(0, 0, 1, 1);
  const ink = new Uint32Array(pen.getImageData(0, 0, 1, 1).data.buffer)[0] & 0xffffff, full = Math.log1p(panel.peak);
  const pixels = new Uint32Array(data.data.buffer);
  for (let row = 0; row < panel.rows; row += 1) {
    const from = row * panel.columns, to = (panel.rows - 1 - row) * panel.columns;
    for (let at = 0; at < panel.columns; at += 1) {
      const count = Number(fields[from + at]);
      if (count) pixels[to + at] = ink | (Math.round(40 + (215 * Math.log1p(count)) / full) << 24);
    }
  }
  pen.putImageData(data, 0, 0);
  image.ink = inks.spike;
  made.image = image;
  return image;
}

function drawFields(made, pen, box, inks) {
  const { panel } = made, image = fieldImage(made, inks), span = view.to - view.from;
  const x = (time) => box.x + ((time - view.from) / span) * box.width;
  pen.save();
  pen.beginPath();
  pen.rect(box.x, box.y, box.width, box.height);
  pen.clip();
  pen.imageSmoothingEnabled = span >= (panel.stop - panel.start) / 4;
  pen.drawImage(image, x(panel.start), box.y, x(panel.stop) - x(panel.start), box.height);
  pen.restore();
}

function drawRaster(made, pen, box, inks) {
  const { neurons } = made.panel;
  const marks = ticks(0, Math.max(0, neurons - 1), 4).filter((one) => Number.isInteger(one));
  axisY(pen, box, marks.map((one) => [box.y + box.height * (1 - (one + 0.5) / Math.max(1, neurons)), whole(one)]), inks);
  (made.panel.rows ? drawFields : drawSpikes)(made, pen, box, inks);
}

// -- both

function axisY(pen, box, marks, inks) {
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const [y, text] of marks) {
    pen.fillStyle = inks.line;
    pen.fillRect(box.x, Math.round(y), box.width, 1);
    pen.fillStyle = inks.faint;
    pen.fillText(text, box.x - 6, y, LEFT - 8);
  }
}

function axisX(pen, box, inks) {
  const [scale, unit] = scaleOf(view.to - view.from);
  const marks = ticks(view.from * scale, view.to * scale, Math.max(2, Math.floor(box.width / 110)));
  pen.textAlign = "center";
  pen.textBaseline = "top";
  for (const mark of marks) {
    const x = box.x + ((mark / scale - view.from) / (view.to - view.from)) * box.width;
    pen.fillStyle = inks.line;
    pen.fillRect(Math.round(x), box.y + box.height, 1, 4);
    pen.fillStyle = inks.faint;
    if (x < box.x + box.width - 34) pen.fillText(String(Number(mark.toPrecision(7))), x, box.y + box.height + 7);
  }
  pen.textAlign = "right";
  pen.fillText(unit, box.x + box.width, box.y + box.height + 7);
}

function drawPanel(made, chosen) {
  const { canvas, panel } = made, ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth || 800, height = HEIGHTS[panel.kind];
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.font = "12px system-ui, sans-serif";
  const inks = {
    line: colour("line"), faint: colour("faint"), spike: colour("spike"),
    lines: Array.from({ length: 8 }, (_, at) => colour(`c${at}`)),
  };
  const box = { x: LEFT, y: TOP, width: width - LEFT - RIGHT, height: height - TOP - BOTTOM };
  pen.fillStyle = colour("raised");
  pen.fillRect(box.x, box.y, box.width, box.height);
  (panel.kind === "trace" ? drawTraces : drawRaster)(made, pen, box, inks);
  axisX(pen, box, inks);
  if (chosen) {
    const [from, to] = chosen.map((time) => box.x + ((time - view.from) / (view.to - view.from)) * box.width);
    pen.globalAlpha = 0.2;
    pen.fillStyle = colour("accent");
    pen.fillRect(Math.min(from, to), box.y, Math.abs(to - from), box.height);
  }
}

function readOut(made, time) {
  const [scale, unit] = scaleOf(view.to - view.from);
  const at = `${digits(time * scale, (view.to - view.from) * scale)} ${unit}`;
  if (made.panel.kind !== "trace") return at;
  const bucket = bucketAt(made, time);
  const said = channels(made).map(({ range, low, high }, channel) => {
    const [one, other] = [low, high].map((codes) => digits(valueOf(codes[bucket], range), range[1] - range[0]));
    return `${made.panel.labels[channel]}: ${one === other ? one : `${one} to ${other}`}`;
  });
  return `${at}   ${said.join("   ")} ${made.panel.unit}`;
}
