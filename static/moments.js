// Shows each <time> in the reader's own zone; without this it says UTC. Never touches any other text.

import { onPage } from "./pages.js";

const minutes = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const seconds = new Intl.DateTimeFormat(undefined, { dateStyle: "short", timeStyle: "medium" });

/** Rewrite the times below `root` that stand there in UTC. */
export function localize(root) {
  for (const element of root.querySelectorAll("time[datetime]:not([title])")) {
    const format = "seconds" in element.dataset ? seconds : minutes;
    element.title = element.textContent;
    element.textContent = format.format(new Date(element.dateTime));
  }
}

onPage("#content", localize);
