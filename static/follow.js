// Follows the log: new lines appear on top while nobody is busy with those that are there.

import { live } from "./live.js";
import { localize } from "./moments.js";
import { onPage } from "./pages.js";

const rows = () => document.getElementById("rows");

function mayReplace() {
  // Nobody loses what they have opened, selected or reached by the keyboard.
  const selected = getSelection();
  return !rows().contains(document.activeElement) && !rows().querySelector("details[open]")
    && (selected.isCollapsed || !rows().contains(selected.anchorNode));
}

onPage("#follow", (button, signal) => {
  let shown = null; // the rows as the server sent them; those on the page have other times

  live(button, document.getElementById("follow-state"), signal, {
    id: "rows",
    words: { start: "Follow live", running: "Following: new lines appear on top." },
    ready: mayReplace,
    show(part) {
      const source = part.innerHTML;
      if (source === shown) return;
      shown = source;
      const fresh = document.adoptNode(part);
      localize(fresh);
      rows().replaceWith(fresh);
    },
  });
});
