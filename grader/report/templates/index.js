"use strict";
// Sorts and filters the table that stands in the page; without this script the page still shows everything.
const byId = (id) => document.getElementById(id);
const body = byId("table").tBodies[0];
const heads = [...byId("table").tHead.rows[0].cells];
const rows = [...body.rows].map((row) => {
  const cells = [...row.cells];
  return {
    row,
    values: cells.map((cell) => cell.dataset.v === undefined ? cell.textContent.trim() : Number(cell.dataset.v)),
    lost: new Set(cells.flatMap((cell, at) => /\b(lost|zero)\b/.test(cell.className) ? [heads[at].dataset.title] : [])),
    findings: new Set(row.dataset.findings.split(" ")),
    text: `${cells[0].textContent} ${cells[1].textContent} ${row.dataset.findings} ${row.dataset.reasons}`.toLowerCase(),
  };
});
const compare = new Intl.Collator(undefined, { numeric: true }).compare;
let scoreRange = null;

function sortBy(at, direction) {
  const order = (a, b) => {
    const [x, y] = [a.values[at], b.values[at]];
    return typeof x === "number" ? x - y : compare(x, y);
  };
  rows.sort((a, b) => direction * order(a, b) || compare(a.values[0], b.values[0]));
  body.append(...rows.map((entry) => entry.row));
  heads.forEach((head, other) =>
    head.setAttribute("aria-sort", other !== at ? "none" : direction > 0 ? "ascending" : "descending"));
}

function filter() {
  const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const [status, question, finding, place] =
    ["status", "question", "finding", "accuracy-place"].map((id) => byId(id).value);
  const [review, alike] = [byId("only-review").checked, byId("only-alike").checked];
  let shown = 0;
  for (const entry of rows) {
    const { row } = entry;
    const score = entry.values[2];
    const keep = words.every((word) => entry.text.includes(word))
      && (!status || row.dataset.status === status)
      && (!question || entry.lost.has(question))
      && (!finding || entry.findings.has(finding))
      && (!place || row.dataset.accuracy === place)
      && (!review || row.dataset.reasons !== "")
      && (!alike || row.dataset.alike === "1")
      && (!scoreRange || (score >= scoreRange.low && (score < scoreRange.high || (scoreRange.last && score <= scoreRange.high))));
    row.hidden = !keep;
    shown += keep;
  }
  const range = scoreRange ? `, scores from ${scoreRange.low} to ${scoreRange.high}` : "";
  byId("shown").textContent = `${shown} of ${rows.length} shown${range}`;
}

for (const [at, head] of heads.entries()) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = head.textContent;
  button.addEventListener("click", () => {
    // Names read best from A, figures from the highest.
    const first = typeof rows[0]?.values[at] === "number" ? -1 : 1;
    const now = { ascending: 1, descending: -1 }[head.getAttribute("aria-sort")];
    sortBy(at, now ? -now : first);
  });
  head.replaceChildren(button);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-filter]");
  if (!button) return;
  byId("filters").reset();
  const { filter: kind, value } = button.dataset;
  if (kind === "score") {
    const [low, high, last] = value.split(":").map(Number);
    scoreRange = { low, high, last: last === 1 };
  } else {
    byId(kind === "accuracy" ? "accuracy-place" : kind).value = value;
  }
  filter();
  byId("submissions").scrollIntoView();
  byId("search").focus({ preventScroll: true });
});

const form = byId("filters");
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => { scoreRange = null; setTimeout(filter); });
form.hidden = false;

document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.closest("input, select")) {
    event.preventDefault();
    byId("search").focus();
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !(event.target.closest("#table tbody") || event.target === byId("search"))) return;
  const links = [...body.querySelectorAll("tr:not([hidden]) th a")];
  const next = links[links.indexOf(event.target) + step];
  if (next) {
    event.preventDefault();
    next.focus();
  }
});

const theme = byId("theme");
const dark = () => (document.documentElement.dataset.theme
  ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
const label = () => { theme.textContent = dark() ? "Light page" : "Dark page"; };
theme.addEventListener("click", () => {
  document.documentElement.dataset.theme = dark() ? "light" : "dark";
  label();
});
theme.hidden = false;
label();
filter();
