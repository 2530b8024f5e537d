// What is known of one run, and how the parameters of two runs differ.
const CARDS = 100;
const card = { row: 0, index: null };

async function openCard(row) {
  card.row = row;
  const parts = await cardParts(row);
  if (card.row !== row) return; // another one was asked for meanwhile
  $("card-title").textContent = `${row}: ${table.names[row]}`;
  $("card-body").replaceChildren(...parts);
  const at = table.order.indexOf(row);
  $("card-previous").disabled = at <= 0;
  $("card-next").disabled = at < 0 || at === table.order.length - 1;
  if (!$("card").open) $("card").showModal();
  $("card").scrollTop = 0;
}

function step(by) {
  const at = table.order.indexOf(card.row) + by;
  if (table.order[at] !== undefined) openCard(table.order[at]);
}

const factsOf = (list) => pairs(node("dl", { class: "facts" }), list);
const heading = (text) => node("h3", {}, text);

async function cardParts(row) {
  const facts = table.columns.slice(2, 7).map((one) => [one.title, one.text(row)]).filter(([, text]) => text);
  const parts = [factsOf(facts), cardButtons(row)];
  if (row >= card.index.counts.cards) {
    parts.push(node("p", { class: "note" }, "There was no room in this report for more of this run: its provenance and all parameters are in the archive."));
    const varying = table.facts.map((one) => [one.known, one.text(row)]).filter(([, text]) => text);
    return [...parts, heading("What varies between runs"), factsOf(varying)];
  }
  const { cards } = await remember(`cards-${Math.floor(row / CARDS)}`);
  const one = cards[row % CARDS];
  if (one.description) parts.push(node("p", { dir: "auto" }, one.description));
  if (one.reason) parts.push(heading("How it ended"), node("pre", { dir: "auto" }, one.reason));
  for (const [title, key] of [["Annotations", "annotations"], ["Parameters", "parameters"],
    ["Process", "process"], ["Generators of random numbers", "generators"]]) {
    if (one[key]) parts.push(heading(title), factsOf(one[key]));
  }
  for (const name of one.records ?? []) parts.push(...recordParts(await remember(name)));
  for (const [title, key] of [["Came from runs", "parents"], ["Files used", "inputs"], ["Exported", "exports"]]) {
    if (one[key]) parts.push(heading(title), ...one[key].map(factsOf));
  }
  if (one.segments) parts.push(heading("Segments"), node("p", {}, ...one.segments.flatMap((name) => [told(name), ", "]).slice(0, -1)));
  if (!one.process) parts.push(node("p", { class: "note" }, "No provenance was recorded."));
  return parts;
}

function recordParts(record) {
  const parts = [heading(record.title), factsOf(record.facts)];
  for (const [title, list] of record.lists) parts.push(node("details", {}, node("summary", {}, title), factsOf(list)));
  for (const [title, text] of record.texts ?? []) {
    parts.push(node("details", {}, node("summary", {}, title), node("pre", { dir: "auto" }, text)));
  }
  return parts;
}

function cardButtons(row) {
  const chosen = (which) => () => {
    $(which).value = row;
    compareRuns();
    $("card").close();
    $("parameters").scrollIntoView();
  };
  const bar = node("div", { class: "bar" },
    node("button", { type: "button", on: { click: chosen("run-a") } }, "Compare as A"),
    node("button", { type: "button", on: { click: chosen("run-b") } }, "Compare as B"));
  const drawn = card.index.pictures.findIndex((one) => one.row === row);
  if (drawn >= 0) {
    bar.append(node("button", {
      type: "button", on: { click: () => { $("card").close(); chooseSegment(drawn); $("pictures").scrollIntoView(); } },
    }, "Pictures"));
  }
  return bar;
}

function rows(list, heads, cells) {
  list.tHead.replaceChildren(node("tr", {}, ...heads.map((one) => node("th", { scope: "col" }, one))));
  const listed = cells.length ? cells : [heads.map((_, at) => (at === 1 ? "none" : ""))];
  list.tBodies[0].replaceChildren(...listed.map((some) => node("tr", {}, ...some.map((one) => node("td", {}, told(one))))));
}

const chosenRun = (id) => Math.max(0, Math.min(table.count - 1, Math.floor(Number($(id).value)) || 0));

function compareRuns() {
  const [a, b] = [chosenRun("run-a"), chosenRun("run-b")];
  $("name-a").textContent = table.names[a] ?? "";
  $("name-b").textContent = table.names[b] ?? "";
  const found = [];
  for (const { fact } of table.facts.filter((one) => one.fact.what === "parameter")) {
    const codes = fact.arrays[0];
    const [from, to] = [codes[a], codes[b]];
    if (from === to) continue;
    const texts = [from ? fact.texts[from - 1] : "", to ? fact.texts[to - 1] : ""];
    let what = "changed";
    if (!from) what = "added";
    else if (!to) what = "removed";
    else if (fact.groups[from - 1] === fact.groups[to - 1]) what = "rewritten (the same value)";
    found.push([what, fact.name, ...texts]);
  }
  rows($("difference"), ["", "parameter", "A", "B"], found.length ? found : [["", "no difference", "", ""]]);
}

function showParameters(index) {
  rows($("varying"), ["", "name", "values", "from, to"], table.facts.map(({ fact }) => {
    const span = fact.numbers.every((one) => one !== null)
      ? [fact.numbers.indexOf(Math.min(...extremes(fact.numbers))), fact.numbers.indexOf(Math.max(...extremes(fact.numbers)))]
      : [0, fact.texts.length - 1];
    const ends = fact.texts.length > 1 ? `${fact.texts[span[0]]} … ${fact.texts[span[1]]}` : fact.texts[0];
    return [fact.what, fact.name, whole(fact.texts.length), ends];
  }));
  rows($("constant"), ["", "name", "value"], index.constants);
  $("run-a").max = $("run-b").max = Math.max(0, table.count - 1);
  compareRuns();
}

function extremes(numbers) {
  let [low, high] = [Infinity, -Infinity];
  for (const one of numbers) { if (one < low) low = one; if (one > high) high = one; }
  return [low, high];
}
