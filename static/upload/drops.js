// Where files come from: a drop anywhere on the page, the clipboard, the two buttons. Hands on what came and decides nothing.

import { chosen, dropped, pasted } from "./sources.js";

const STILL_THERE = 500; // milliseconds: a drag over the page says so at least every 350, and leaves without a word

const find = (id) => document.getElementById(id);

function hasFiles(event) {
  return event.dataTransfer?.types.includes("Files") && !document.querySelector("dialog[open]");
}

/** `take(sources, refused)` is called with what comes; `target()` names the folder that it goes to. */
export function listenForDrops(take, target) {
  const zone = find("drop-zone");
  let timer = 0;
  const hide = () => {
    clearTimeout(timer);
    zone.hidden = true;
  };
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault(); // otherwise the browser opens the file
    event.dataTransfer.dropEffect = "copy";
    clearTimeout(timer);
    timer = setTimeout(hide, STILL_THERE);
    if (!zone.hidden) return;
    find("drop-folder").textContent = target();
    zone.hidden = false;
  });
  addEventListener("drop", async (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    hide();
    const { sources, refused } = await dropped(event.dataTransfer);
    take(sources, refused);
  });
  addEventListener("paste", (event) => {
    if (event.target.closest?.("input, textarea, select, dialog") || !event.clipboardData?.files.length) return;
    event.preventDefault();
    take(pasted(event.clipboardData.files), []);
  });
}

/** The inputs that stay on the page, behind buttons that come and go with pages. `choose(button)` opens one of them. */
export function listenForChoices(take) {
  for (const id of ["queue-files", "queue-folder"]) {
    const input = find(id);
    input.addEventListener("change", () => {
      const sources = chosen(input.files);
      input.value = ""; // so that the same file can be chosen again
      if (sources.length) take(sources, []);
    });
  }
}
