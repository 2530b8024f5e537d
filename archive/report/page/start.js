// Fills the page, and listens.
function listenToAll() {
  let waiting = 0;
  $("filter").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filterRows, table.count > 5000 ? 150 : 0); });
  const turns = { first: () => turn(0), previous: () => turn(table.page - 1), next: () => turn(table.page + 1), last: () => turn(Infinity) };
  const views = {
    in: () => zoom(0.5), out: () => zoom(2), left: () => shift(-0.5), right: () => shift(0.5), all: () => look(view.start, view.stop),
  };
  const cardActs = { close: () => $("card").close(), "card-previous": () => step(-1), "card-next": () => step(1) };
  for (const [id, act] of Object.entries({ ...turns, ...views, ...cardActs })) $(id).addEventListener("click", act);
  for (const id of ["run-a", "run-b"]) $(id).addEventListener("input", compareRuns);
  $("segment").addEventListener("change", (event) => chooseSegment(Number(event.target.value)));
  $("card").addEventListener("click", (event) => { if (event.target === $("card")) $("card").close(); });
  const again = () => look(view.from, view.to);
  window.addEventListener("resize", again);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
}

function showHeader(index) {
  $("description").textContent = index.description;
  const tiles = [["runs", index.counts.runs], ["segments", index.counts.segments]];
  if (index.counts.snapshots) tiles.push(["snapshots", index.counts.snapshots]);
  for (const [outcome, count] of Object.entries(index.outcomes)) tiles.push([outcome, count]);
  $("tiles").replaceChildren(...tiles.map(([what, count]) => node("li", {}, node("b", {}, whole(count)), node("span", {}, what))));
  pairs($("facts"), [...index.facts, ["written", `${index.written} by ${index.writer}`]]);
  if (index.leftOut.length) {
    $("left-out").replaceChildren(node("h3", {}, "Left out to keep this page small"), node("ul", {}, ...index.leftOut.map((one) => node("li", {}, one))));
  }
}

async function start() {
  const index = await unpack("index");
  card.index = index;
  view.index = index.pictures;
  showHeader(index);
  await readTable(index);
  showParameters(index);
  listenToAll();
  $("segment").replaceChildren(...index.pictures.map((one, at) => node("option", { value: String(at) }, `${one.run} / ${one.segment}`)));
  if (index.pictures.length) await chooseSegment(0);
  else $("panels").replaceChildren(node("p", { class: "note" }, "There are no segments."));
  document.documentElement.dataset.ready = performance.now().toFixed(1);
}

start().catch((error) => {
  const old = typeof DecompressionStream === "undefined" ? " This browser is too old to unpack the data." : "";
  $("failure").hidden = false;
  $("failure").textContent = `The report cannot be shown: ${error.message}.${old}`;
});
