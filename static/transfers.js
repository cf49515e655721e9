// Keeps the list of transfers as it is now. Rows stay the same elements, so that a button that one
// has reached stays reached while the figures beside it change.

import { live } from "./live.js";
import { localize } from "./moments.js";
import { onPage } from "./pages.js";

const part = () => document.getElementById("transfers");

/** Take over a row's new figures; its button is the same as long as what it does is. */
function refresh(row, fresh) {
  [...fresh.cells].forEach((cell, at) => {
    const old = row.cells[at];
    if (old.dataset.shown !== cell.innerHTML) {
      old.dataset.shown = cell.innerHTML;
      if (!(cell.matches(".act") && old.querySelector("button") && cell.querySelector("button"))) old.replaceChildren(...cell.childNodes);
    }
  });
}

function merge(table, fresh) {
  const known = new Map([...table.tBodies[0].rows].map((row) => [row.id, row]));
  const focused = document.activeElement?.closest("tr")?.id;
  for (const next of [...fresh.tBodies[0].rows]) {
    const row = known.get(next.id);
    known.delete(next.id);
    if (row) refresh(row, next);
    else table.tBodies[0].append(document.adoptNode(next));
  }
  for (const gone of known.values()) gone.remove();
  // Whoever stood on a row that has ended goes on at the top of the list, not at the top of the page.
  if (focused && known.has(focused)) document.getElementById("live").focus();
}

function show(fresh) {
  localize(fresh);
  const [old, next] = [part().querySelector("table"), fresh.querySelector("table")];
  if (old && next) merge(old, next);
  else if (old || next) part().replaceWith(document.adoptNode(fresh));
}

onPage("#live", (button, signal) => {
  live(button, document.getElementById("live-state"), signal, {
    id: "transfers",
    words: { start: "Go on", running: "Live." },
    show,
    begin: true,
  });
});
