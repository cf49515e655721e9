// Shows the pages that ask before something is done as dialogs of the page that one is on.

import { fetchPage, go } from "./fetching.js";

/** What an opener would send: a link its address, a button its form. */
function requestOf(opener) {
  if (opener.href) return { url: opener.href };
  return { url: opener.formAction, method: "POST", body: new URLSearchParams(new FormData(opener.form)) };
}

class Asking {
  constructor(opener, done) {
    this.opener = opener;
    this.done = done;
    this.dialog = document.createElement("dialog");
    this.dialog.className = "ask-dialog";
    this.dialog.setAttribute("aria-labelledby", "ask-title");
    this.dialog.addEventListener("submit", (event) => this.submit(event));
    this.dialog.addEventListener("click", (event) => {
      if (!event.target.closest("[data-cancel]")) return;
      event.preventDefault();
      this.dialog.close();
    });
    this.dialog.addEventListener("close", () => this.dialog.remove());
  }

  async open() {
    const { url, ...options } = requestOf(this.opener);
    const found = await fetchPage(url, options);
    if (!this.fill(found.page)) return go(found.url);
    document.body.append(this.dialog);
    this.dialog.showModal();
    this.focus();
  }

  /** Take the question over from its page; false when there is none. */
  fill(page) {
    const question = page.querySelector(".ask");
    if (!question) return false;
    this.dialog.replaceChildren(document.adoptNode(question));
    return true;
  }

  focus() {
    const field = this.dialog.querySelector("[autofocus]:not(:disabled)") ?? this.dialog.querySelector(".picker button, [data-cancel]");
    field?.focus();
    // The name without its ending is what one changes.
    if (field?.value && field.type === "text") field.setSelectionRange(0, field.value.replace(/(?<=.)\.[^.]*$/, "").length);
  }

  async submit(event) {
    event.preventDefault();
    const { target: form, submitter } = event;
    const body = new URLSearchParams(new FormData(form, submitter));
    this.dialog.setAttribute("aria-busy", "true");
    try {
      const found = await fetchPage(form.action, { method: "POST", body });
      if (this.fill(found.page)) return this.focus();
      this.dialog.close();
      await this.done(found, body);
    } catch {
      this.fail();
    } finally {
      this.dialog.removeAttribute("aria-busy");
    }
  }

  fail() {
    const said = document.getElementById("unreachable").content.cloneNode(true);
    this.dialog.querySelector("[role=alert]")?.remove();
    this.dialog.querySelector("h1").after(said);
  }
}

/**
 * Let what has `data-dialog` below `root` open a dialog until `signal`. `done(found, body)` is told
 * the page to which the server led after it was done, and what had been sent.
 */
export function asking(root, signal, done) {
  let open = null;
  root.addEventListener("click", async (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (!opener || opener.disabled || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (open?.dialog.isConnected) return;
    open = new Asking(opener, done);
    try {
      await open.open();
    } catch {
      go(opener.href ?? location.href);
    }
  }, { signal });
  signal.addEventListener("abort", () => open?.dialog.remove());
}
