"use strict";
// Sorts a table by the column whose name is clicked: numbers by value, what is missing last.
const words = new Intl.Collator(undefined, { numeric: true });
for (const button of document.querySelectorAll("thead button")) {
  button.addEventListener("click", () => {
    const header = button.parentElement;
    const body = header.closest("table").tBodies[0];
    const descending = header.getAttribute("aria-sort") !== "descending";
    const keyed = [...body.rows].map((row) => {
      const cell = row.cells[header.cellIndex];
      return { row, text: cell.textContent.trim(), number: parseFloat(cell.dataset.order) };
    });
    const compare = (a, b) => {
      if ((a.text === "-") !== (b.text === "-")) return a.text === "-" ? 1 : -1;
      const numbers = !Number.isNaN(a.number) && !Number.isNaN(b.number);
      const order = numbers ? a.number - b.number : words.compare(a.text, b.text);
      return descending ? -order : order;
    };
    for (const other of header.parentElement.cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", descending ? "descending" : "ascending");
    body.append(...keyed.sort(compare).map(({ row }) => row));
  });
}

const folds = [...document.querySelectorAll("details")];
const sections = document.querySelectorAll("details.section");
document.getElementById("open-all").addEventListener("click", () => {
  for (const one of sections) one.open = true;
});
document.getElementById("close-all").addEventListener("click", () => {
  for (const one of sections) one.open = false;
});

// What a link leads to is opened, with all that it is folded in.
const reveal = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let one = target; one; one = one.parentElement) {
    if (one.tagName === "DETAILS") one.open = true;
  }
  if (target) target.scrollIntoView();
};
window.addEventListener("hashchange", reveal);
if (location.hash) reveal();

// A print shows everything; afterwards what was closed is closed again.
let closed = null;
const openForPrint = () => {
  if (closed) return;
  closed = folds.filter((one) => !one.open);
  for (const one of closed) one.open = true;
};
const closeAfterPrint = () => {
  for (const one of closed ?? []) one.open = false;
  closed = null;
};
window.addEventListener("beforeprint", openForPrint);
window.addEventListener("afterprint", closeAfterPrint);
window.matchMedia("print").addEventListener("change", (event) => {
  (event.matches ? openForPrint : closeAfterPrint)();
});

// One sound at a time.
document.addEventListener("play", (event) => {
  for (const one of document.querySelectorAll("audio")) if (one !== event.target) one.pause();
}, true);
