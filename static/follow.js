// Follows the log: fetches this very page every few seconds and takes over its rows.
// The server renders them once, for everyone; nothing here builds markup from a line's text.

import { localize } from "./moments.js";
import { onPage } from "./pages.js";

const EVERY = 2000; // milliseconds: soon enough to watch, seldom enough to cost nothing

async function fetchRows(signal) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error", signal });
  if (!answer.ok) throw new Error(`the server says ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const rows = page.getElementById("rows");
  if (!rows) throw new Error("the server sent another page");
  return rows;
}

function mayReplace() {
  // Nobody loses what they have opened, selected or reached by the keyboard.
  const rows = document.getElementById("rows");
  const selected = getSelection();
  return !rows.contains(document.activeElement) && !rows.querySelector("details[open]")
    && (selected.isCollapsed || !rows.contains(selected.anchorNode));
}

onPage("#follow", (button, signal) => {
  const state = document.getElementById("follow-state");
  let timer = 0;
  let running = false;
  let shown = null; // the rows as the server sent them; those on the page have other times

  function say(text) {
    if (state.textContent !== text) state.textContent = text;
  }

  function show(rows) {
    const source = rows.innerHTML;
    if (source === shown) return;
    shown = source;
    const fresh = document.adoptNode(rows);
    localize(fresh);
    document.getElementById("rows").replaceWith(fresh);
  }

  async function look() {
    try {
      if (!document.hidden && mayReplace()) {
        const rows = await fetchRows(signal);
        if (signal.aborted) return;
        show(rows);
      }
      say("Following: new lines appear on top.");
    } catch (error) {
      if (signal.aborted) return;
      say(`Not reached, trying again: ${error.message}.`);
    }
    if (running) timer = setTimeout(look, EVERY);
  }

  function set(on) {
    running = on;
    clearTimeout(timer);
    button.textContent = on ? "Pause" : "Follow live";
    if (on) look();
    else say("Paused.");
  }

  button.hidden = false;
  button.addEventListener("click", () => set(!running));
  signal.addEventListener("abort", () => {
    running = false;
    clearTimeout(timer);
  });
});
