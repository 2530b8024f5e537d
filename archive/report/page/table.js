// The table of runs: sorted by a click, filtered by typing, in pages.
const PAGE = 25;
const SHOWN_FACTS = 6;
const HIGHEST = 0x10ffff;
const table = {
  count: 0, columns: [], facts: [], order: [], page: 0, sorted: null, up: true, texts: null, names: [],
};

function fixed(id, title, values, text = (value) => (value === null ? "" : String(value)), number = false) {
  return {
    id, title, number, shown: true, known: title,
    text: (row) => text(values[row]),
    key: (row) => values[row],
  };
}

// A number that was computed has digits that tell nothing: the card shows them all.
const shorter = (text) => text.replace(/-?\d+\.\d{12,}(e[-+]\d+)?/g, (one) => String(Number(Number(one).toPrecision(12))));

function factColumn(fact) {
  const codes = fact.arrays[0], texts = fact.texts.map(shorter);
  const number = fact.numbers.every((one) => one !== null);
  return {
    id: fact.name, title: fact.name, number, shown: false, fact, known: `${fact.what} ${fact.name}`,
    text: (row) => (codes[row] ? texts[codes[row] - 1] : ""),
    key: (row) => {
      if (!codes[row]) return null;
      return number ? fact.numbers[codes[row] - 1] : fact.texts[codes[row] - 1];
    },
    shownNumber: (row) => (codes[row] ? Number.parseFloat(fact.texts[codes[row] - 1]) : NaN),
  };
}

const moment = (ms) => (ms === null ? "" : new Date(ms).toISOString().replace("T", " ").slice(0, 19));

function lasted(seconds) {
  if (seconds === null) return "";
  if (seconds < 60) return `${digits(seconds)} s`;
  if (seconds < 3600) return `${(seconds / 60).toFixed(1)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

async function readTable(index) {
  const parts = [[], [], [], [], [], []];
  for (let block = 0; parts[0].length < index.counts.rows; block += 1) {
    const { rows } = await unpack(`rows-${block}`);
    rows.forEach((values, at) => { for (const one of values) parts[at].push(one); });
  }
  const [names, outcomes, started, durations, segments, simulators] = parts;
  table.count = names.length;
  table.names = names;
  table.facts = (await Promise.all(index.columns.map(unpack))).map(factColumn);
  for (const one of table.facts.slice(0, SHOWN_FACTS)) one.shown = true;
  table.columns = [
    fixed("no", "no.", Array.from(names, (_, row) => row), String, true),
    fixed("name", "run", names),
    fixed("outcome", "outcome", outcomes),
    fixed("started", "started (UTC)", started, moment),
    fixed("duration", "duration", durations, lasted, true),
    fixed("segments", "segments", segments, String, true),
    fixed("simulator", "simulator", simulators),
    ...table.facts,
  ];
  table.columns[6].shown = simulators.some((one) => one);
  fillChooser();
  filterRows();
}

function compareKeys(one, other) {
  if (one === other) return 0;
  if (one === null) return HIGHEST;
  if (other === null) return -HIGHEST;
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), "en", { numeric: true });
}

function sortRows() {
  const column = table.sorted;
  if (!column) return;
  const keys = Array.from({ length: table.count }, (_, row) => column.key(row));
  const sign = table.up ? 1 : -1;
  const text = keys.some((one) => typeof one === "string");
  const ranks = text ? ranked(keys) : keys;
  table.order.sort((a, b) => {
    const way = compareKeys(ranks[a], ranks[b]);
    if (way === 0) return a - b;
    return Math.abs(way) === HIGHEST ? way : sign * way; // what has no value stays at the end
  });
}

// Texts are compared slowly: each different one is, once.
function ranked(keys) {
  const different = [...new Set(keys.filter((one) => one !== null))].sort(compareKeys);
  const places = new Map(different.map((one, at) => [one, at]));
  return keys.map((one) => (one === null ? null : places.get(one)));
}

function haystack(row) {
  table.texts ??= new Array(table.count);
  table.texts[row] ??= table.columns.map((one) => one.text(row)).join("\n").toLowerCase();
  return table.texts[row];
}

// Conditions such as `tau > 10`, and words; each must hold.
function conditions(text) {
  const found = [];
  const rest = text.replace(/("[^"]+"|[^\s<>="]+)\s*(<=|>=|<|>|=)\s*("[^"]*"|[^\s"]+)/g, (all, left, sign, right) => {
    const name = left.replaceAll('"', "").toLowerCase();
    const column = table.columns.find((one) => one.id.toLowerCase() === name || one.title.toLowerCase() === name);
    if (!column) return all;
    found.push(condition(column, sign, right.replaceAll('"', "").toLowerCase()));
    return " ";
  });
  for (const word of rest.toLowerCase().split(/\s+/).filter(Boolean)) {
    found.push((row) => haystack(row).includes(word));
  }
  return found;
}

function condition(column, sign, wanted) {
  if (sign === "=") return (row) => column.text(row).toLowerCase().includes(wanted);
  const limit = Number.parseFloat(wanted);
  const number = column.shownNumber ?? ((row) => column.key(row) ?? NaN);
  const holds = {
    "<": (one) => one < limit, ">": (one) => one > limit,
    "<=": (one) => one <= limit, ">=": (one) => one >= limit,
  }[sign];
  return (row) => holds(number(row));
}

function filterRows() {
  const all = conditions($("filter").value);
  table.order = [];
  for (let row = 0; row < table.count; row += 1) {
    if (all.every((holds) => holds(row))) table.order.push(row);
  }
  table.page = 0;
  sortRows();
  showRows();
}

function fillChooser() {
  $("chooser").replaceChildren(...table.columns.slice(2).map((column) => node("label", {},
    node("input", {
      type: "checkbox", checked: column.shown,
      on: { change: (event) => { column.shown = event.target.checked; showRows(); } },
    }), told(column.known))));
}

function sortBy(column) {
  table.up = table.sorted === column ? !table.up : true;
  table.sorted = column;
  sortRows();
  table.page = 0;
  showRows();
  $("table").querySelector(`th[data-column="${table.columns.indexOf(column)}"] button`).focus();
}

function showHead(columns) {
  $("table").tHead.replaceChildren(node("tr", {}, ...columns.map((column) => {
    const here = table.sorted === column;
    const head = node("th", {
      scope: "col", class: `${column.number ? "number" : ""} ${column.fact ? "fact" : ""}`,
      "data-column": table.columns.indexOf(column),
      "aria-sort": here ? (table.up ? "ascending" : "descending") : "none",
    }, node("button", { type: "button", title: `Sort by ${column.known}`, on: { click: () => sortBy(column) } },
      told(column.title), here ? (table.up ? " ▲" : " ▼") : ""));
    return head;
  })));
}

function cell(column, row) {
  const text = column.text(row);
  if (column.id === "name" && !column.fact) {
    return node("td", {}, node("button", { type: "button", class: "link", on: { click: () => openCard(row) } }, told(text)));
  }
  if (column.id === "outcome" && !column.fact) {
    return node("td", {}, node("span", { class: `outcome ${text}` }, text));
  }
  return node("td", { class: column.number ? "number" : "", title: text.length > 24 ? text : "" }, told(text));
}

function showRows() {
  const columns = table.columns.filter((one) => one.shown);
  showHead(columns);
  const first = table.page * PAGE;
  $("table").tBodies[0].replaceChildren(...table.order.slice(first, first + PAGE).map(
    (row) => node("tr", { "data-row": row }, ...columns.map((column) => cell(column, row)))));
  const pages = Math.max(1, Math.ceil(table.order.length / PAGE));
  $("count").textContent = `${whole(table.order.length)} of ${whole(table.count)} runs`;
  $("page").textContent = `page ${whole(table.page + 1)} of ${whole(pages)}`;
  $("first").disabled = $("previous").disabled = table.page === 0;
  $("last").disabled = $("next").disabled = table.page === pages - 1;
}

function turn(to) {
  const pages = Math.max(1, Math.ceil(table.order.length / PAGE));
  table.page = Math.max(0, Math.min(pages - 1, to));
  showRows();
}
