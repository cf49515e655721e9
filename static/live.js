// Fetches the page one is on again every few seconds, with a button that pauses and a line that says how it goes.
// The server renders what is shown, for everyone; nothing here builds markup from a text.

const EVERY = 2000; // milliseconds: soon enough to watch, seldom enough to cost nothing

async function fetchPart(id, signal) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error", signal });
  if (!answer.ok) throw new Error(`the server says ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const part = page.getElementById(id);
  if (!part) throw new Error("the server sent another page");
  return part;
}

/**
 * Let `button` start and pause looking at the element `id` of this page, until `signal`. `show(part)` is
 * given each new one; `ready()` says whether now is a good time. `words` are those of the button
 * (`start`) and of the line `state` while it runs (`running`).
 */
export function live(button, state, signal, { id, words, show, ready = () => true, begin = false }) {
  let timer = 0;
  let running = false;

  function say(text) {
    if (state.textContent !== text) state.textContent = text;
  }

  async function look() {
    try {
      if (!document.hidden && ready()) {
        const part = await fetchPart(id, signal);
        if (signal.aborted || !running) return;
        show(part);
      }
      say(words.running);
    } catch (error) {
      if (signal.aborted || !running) return;
      say(`Not reached, trying again: ${error.message}.`);
    }
    timer = setTimeout(look, EVERY);
  }

  function set(on) {
    running = on;
    clearTimeout(timer);
    button.textContent = on ? "Pause" : words.start;
    if (on) look();
    else say("Paused.");
  }

  button.hidden = false;
  button.addEventListener("click", () => set(!running), { signal });
  signal.addEventListener("abort", () => {
    running = false;
    clearTimeout(timer);
  });
  if (begin) set(true);
}
