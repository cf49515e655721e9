// A form is sent once: while the answer is on its way its button says so, and a second press does nothing.
// Forms that a script sends by itself are that script's own.

const AGAIN = 5000; // milliseconds: an answer that never comes leaves one on the page

document.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  if (event.defaultPrevented || form.method !== "post" || form.target || isDownload(form, submitter)) return;
  if (form.ariaBusy === "true") return event.preventDefault();
  form.ariaBusy = "true";
  setTimeout(rest, AGAIN, form);
});

// The browser shows a page again as it was left.
addEventListener("pageshow", () => document.querySelectorAll("form[aria-busy]").forEach(rest));

/** Its answer is a file: one stays on the page, and may ask for the next at once. */
function isDownload(form, submitter) {
  const action = submitter?.hasAttribute("formaction") ? submitter.formAction : form.action;
  return new URL(action).pathname.endsWith("/download");
}

function rest(form) {
  form.removeAttribute("aria-busy");
}
