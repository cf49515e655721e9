// Follows the log: fetches this very page every few seconds and takes over its rows.
// The server renders them once, for everyone; nothing here builds markup from a line's text.

import { localize } from "./moments.js";

const EVERY = 2000; // milliseconds: soon enough to watch, seldom enough to cost nothing

const button = document.getElementById("follow");
const state = document.getElementById("follow-state");
let timer = 0;
let running = false;
let shown = null; // the rows as the server sent them; those on the page have other times

function say(text) {
  if (state.textContent !== text) state.textContent = text;
}

async function fetchRows() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" });
  if (!answer.ok) throw new Error(`the server says ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const rows = page.getElementById("rows");
  if (!rows) throw new Error("the server sent another page");
  return rows;
}

function show(rows) {
  const source = rows.innerHTML;
  if (source === shown) return;
  shown = source;
  const fresh = document.adoptNode(rows);
  localize(fresh);
  document.getElementById("rows").replaceWith(fresh);
}

function mayReplace() {
  // Nobody loses what they have opened, selected or reached by the keyboard.
  const rows = document.getElementById("rows");
  const selected = getSelection();
  return !rows.contains(document.activeElement) && !rows.querySelector("details[open]")
    && (selected.isCollapsed || !rows.contains(selected.anchorNode));
}

async function look() {
  try {
    if (!document.hidden && mayReplace()) show(await fetchRows());
    say("Following: new lines appear on top.");
  } catch (error) {
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

if (button) {
  button.hidden = false;
  button.addEventListener("click", () => set(!running));
}
