// Copies what a button names, and says so on the button for a moment.

const SAID_FOR = 1500; // milliseconds: long enough to be seen, short enough not to be in the way

async function copy(text, near) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Plain HTTP off loopback has no clipboard; the old way still works there. Near the button, so that
  // it is not inert when a dialog is open.
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "visually-hidden";
  near.after(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  near.focus();
  if (!done) throw new Error("the browser does not allow it");
}

/** Let the buttons with `data-copy` below `root` work until `signal`. */
export function copying(root, signal) {
  root.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    let state = "copied";
    try {
      await copy(button.dataset.copy, button);
    } catch {
      state = "not-copied";
    }
    button.classList.add(state);
    setTimeout(() => button.classList.remove(state), SAID_FOR);
  }, { signal });
}

/** Give each digest below `root` the button that copies it, from `template`, where % is the row's name. */
export function offerCopies(root, template) {
  const blank = template.content.querySelector("button");
  for (const code of root.querySelectorAll("code[data-digest]")) {
    const button = blank.cloneNode(true);
    const row = code.closest("tr");
    const what = blank.title.replace("%", () => row.querySelector(".name").textContent);
    button.dataset.copy = code.dataset.digest;
    button.title = what;
    button.setAttribute("aria-label", what);
    code.after(button);
  }
}
