"use strict";
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const names = [];
for (const [shared, rest] of data.names) names.push((names.at(-1) || "").slice(0, shared) + rest);
const main = document.querySelector("main");
const rows = [...main.querySelectorAll("tr[data-n]")];
const bars = [...main.querySelectorAll(".lives rect")];
const boxes = new Map();
for (const box of main.querySelectorAll("svg [data-n]"))
  for (const n of box.dataset.n.split(" ")) boxes.set(+n, box);

let marked = [];
const mark = (n) => {
  for (const each of marked) each.classList.remove("on");
  marked = n === null ? [] : [boxes.get(n), ...data.tensors[n].map((at) => bars[at])].filter(Boolean);
  for (const each of marked) each.classList.add("on");
};

const field = main.querySelector(".field");
const place = (rect, axis, begin, size) => {
  const all = data.input[axis === "x" ? data.input.length - 1 : 0], scale = 200 / all;
  rect.setAttribute(axis, 20 + scale * begin);
  rect.setAttribute(axis === "x" ? "width" : "height", scale * size);
};
const choose = (row) => {
  const n = +row.dataset.n, axes = data.fields[data.field[n]];
  for (const each of rows) each.classList.toggle("chosen", each.dataset.n === row.dataset.n);
  const words = field && field.querySelector("figcaption");
  if (!field) return;
  const seen = axes || data.input.map((size) => [size, 0]);
  const rect = field.querySelector(".seen");
  place(rect, "x", seen[seen.length - 1][1], seen[seen.length - 1][0]);
  if (data.input.length > 1) place(rect, "y", seen[0][1], seen[0][0]);
  const size = data.input.map((_, at) => (seen[at] || seen[0])[0]).join("\u00d7");
  words.textContent = `${names[n]}: the output in the middle sees ${axes ? size : "the whole input"}`;
};

for (const row of rows) {
  row.tabIndex = 0;
  row.addEventListener("mouseenter", () => mark(+row.dataset.n));
  row.addEventListener("mouseleave", () => mark(null));
  row.addEventListener("focus", () => mark(+row.dataset.n));
  row.addEventListener("click", () => choose(row));
  row.addEventListener("keydown", (event) => { if (event.key === "Enter") choose(row); });
}

const table = main.querySelector("table"), body = table.tBodies[0], flat = document.createElement("tbody");
const value = (row, at) => row.cells[at].textContent.trim();
const number = (text) => (text === "" ? 0 : Number(text.replace(/,/g, "").replace(/^.*\u2013/, "")));
let sorted = [-1, 0];
[...table.tHead.rows[0].cells].forEach((head, at) => {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    const way = sorted[0] === at ? { 1: -1, "-1": 0, 0: 1 }[sorted[1]] : 1;
    sorted = [at, way];
    for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
    if (!way) return flat.replaceWith(body);
    head.setAttribute("aria-sort", way > 0 ? "descending" : "ascending");
    const numeric = rows.every((row) => !Number.isNaN(number(value(row, at))));
    const compare = (a, b) => numeric
      ? number(value(b, at)) - number(value(a, at))
      : value(a, at).localeCompare(value(b, at), "en", { numeric: true });
    flat.replaceChildren(...[...rows].sort((a, b) => way * compare(a, b)).map((row) => {
      const copy = row.cloneNode(true);
      copy.addEventListener("mouseenter", () => mark(+row.dataset.n));
      copy.addEventListener("mouseleave", () => mark(null));
      copy.addEventListener("click", () => choose(row));
      copy.cells[0].textContent = names[row.dataset.n];
      return copy;
    }));
    (body.isConnected ? body : flat).replaceWith(flat);
  });
});
})();
