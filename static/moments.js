// Shows each <time> in the reader's own zone, and lets date fields speak of it; without this both say UTC.
// What is sent stays UTC. Never touches any other text.

import { onPage } from "./pages.js";

const MINUTE = 60_000; // milliseconds

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

/** A time as a date field holds it: without its zone, to the minute. */
function fieldText(milliseconds) {
  return new Date(milliseconds).toISOString().slice(0, -8);
}

onPage("#content", localize);

onPage("#content input[type=datetime-local]", (field, signal) => {
  for (const zone of field.labels[0].querySelectorAll("[data-zone]")) zone.remove();
  if (field.value) {
    const told = new Date(`${field.value}Z`);
    field.value = fieldText(told - told.getTimezoneOffset() * MINUTE);
  }
  field.form.addEventListener("formdata", ({ formData }) => {
    if (field.value) formData.set(field.name, fieldText(Date.parse(field.value)));
  }, { signal });
});
