// The one question for all files whose names are taken by other contents.

import * as words from "./words.js";

const LISTED = 100; // with a choice of their own; more than that nobody goes through

/** Ask; resolves to `Map(item → "keep" | "replace" | "skip")`. Closing the dialog leaves out all of them. */
export function ask(items) {
  const dialog = document.getElementById("conflicts");
  const list = dialog.querySelector("#conflicts-list");
  const rows = items.slice(0, LISTED).map((item) => rowOf(item));
  list.replaceChildren(...rows);
  dialog.querySelector("#conflicts-heading").textContent = headingOf(items);
  dialog.querySelector("#conflicts-each").open = false;
  dialog.querySelector("[name=all]").checked = true;
  const more = dialog.querySelector("#conflicts-more");
  more.hidden = items.length <= LISTED;
  more.textContent = `and ${words.files(items.length - LISTED, "other file")}, as above`;
  dialog.returnValue = "cancel";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(answersOf(dialog, items, rows)), { once: true });
  });
}

function headingOf(items) {
  if (items.length === 1) return `Another file is called “${items[0].name}” here already`;
  return `${items.length.toLocaleString("en")} of the files have names that are taken here already`;
}

function rowOf(item) {
  const row = document.getElementById("conflict-row").content.firstElementChild.cloneNode(true);
  row.querySelector(".queue-name").textContent = item.path;
  row.querySelector(".queue-state").textContent = `yours ${words.size(item.size)}, there ${words.size(item.there.size)}`;
  row.querySelector("select").setAttribute("aria-label", `What to do with ${item.name}`);
  return row;
}

function answersOf(dialog, items, rows) {
  const cancelled = dialog.returnValue !== "go";
  const all = cancelled ? "skip" : dialog.querySelector("[name=all]:checked").value;
  const own = (index) => (cancelled ? "" : rows[index]?.querySelector("select").value);
  return new Map(items.map((item, index) => [item, own(index) || all]));
}
