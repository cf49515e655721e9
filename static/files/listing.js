// The listing of a folder: searched while one types, sent anew when something changed. What was
// chosen stays chosen, and whoever had the focus keeps it.

import { localize } from "../moments.js";
import { onPage } from "../pages.js";
import { ownTitle } from "../title.js";
import { asking } from "./asking.js";
import { copying, offerCopies } from "./copying.js";
import { fetchPage, go, save } from "./fetching.js";
import { Selecting } from "./selecting.js";

const TYPING = 150; // milliseconds: a pause in typing, below what one notices as waiting
const MANY = 400; // milliseconds: so that many files stored at once are one refresh
const SAID_FOR = 6000; // milliseconds that a notice stays
const LONGEST = 6000; // characters of an address that every server and proxy takes

class Listing {
  constructor(section, signal) {
    this.section = section;
    this.signal = signal;
    this.selecting = new Selecting(section, signal);
    this.asked = null; // the request under way; a newer one ends it
    this.missed = location.href; // what could not be fetched
    this.search = section.querySelector("#search-form");
    this.form = section.querySelector("#selection");
    this.timers = {};
    this.listen();
    this.complete(this.listing);
    this.forgetNotice();
  }

  listen() {
    const { section, signal } = this;
    copying(section, signal);
    asking(section, signal, (found, body) => this.changed(found, body));
    this.search.addEventListener("input", () => this.later("search", TYPING, () => this.find()), { signal });
    this.search.addEventListener("submit", (event) => {
      event.preventDefault();
      this.find();
    }, { signal });
    section.addEventListener("click", (event) => {
      if (event.target.closest("#more") && !event.ctrlKey && !event.metaKey) this.more(event);
      if (event.target.closest("#try-again")) this.load(this.missed);
    }, { signal });
    this.form.addEventListener("submit", (event) => this.download(event), { signal });
    document.addEventListener("keydown", (event) => this.pressed(event), { signal });
    document.addEventListener("fileshare:stored", (event) => this.stored(event.detail.path), { signal });
    signal.addEventListener("abort", () => {
      Object.values(this.timers).forEach(clearTimeout);
      this.asked?.abort();
    });
  }

  later(name, wait, act) {
    clearTimeout(this.timers[name]);
    this.timers[name] = setTimeout(act, wait);
  }

  /** Files that come one after the other are shown together, and never wait for the last of them. */
  stored(path) {
    const { folder } = this.section.dataset;
    if (this.timers.stored || (folder && !path.startsWith(`${folder}/`))) return;
    this.later("stored", MANY, () => {
      this.timers.stored = 0;
      this.load(location.href);
    });
  }

  /** What was done is said once, not again after a reload. */
  forgetNotice() {
    const url = new URL(location.href);
    if (!url.searchParams.has("done")) return;
    url.searchParams.delete("done");
    history.replaceState(history.state, "", url);
  }

  find() {
    const url = new URL(this.search.action);
    for (const [name, value] of new FormData(this.search)) if (value.trim()) url.searchParams.set(name, value.trim());
    if (url.href !== location.href) this.load(url.href);
  }

  more(event) {
    const link = event.target.closest("#more");
    if (new URL(link.href).searchParams.has("cursor") && !new URL(location.href).searchParams.has("cursor")) return;
    event.preventDefault();
    this.load(link.href);
  }

  pressed(event) {
    const typing = event.target.closest("input, textarea, select, dialog");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.selecting.choose([]); // its bar lies over the field
    this.search.querySelector("input").select();
  }

  /** Show what is at `url` now, here. */
  async load(url) {
    clearTimeout(this.timers.search);
    this.asked?.abort();
    const asked = this.asked = new AbortController();
    this.listing.setAttribute("aria-busy", "true");
    try {
      const { page } = await fetchPage(url, { signal: asked.signal });
      const fresh = page.getElementById("listing");
      if (!fresh) return go(url); // another page: the login, where the session has ended
      history.replaceState(history.state, "", url);
      ownTitle(page.title);
      this.form.elements.back.value = page.getElementById("selection").elements.back.value;
      this.replace(document.adoptNode(fresh));
    } catch (error) {
      if (error.name === "AbortError") return;
      this.missed = url;
      this.fail();
    } finally {
      if (this.asked === asked) this.listing.removeAttribute("aria-busy");
    }
  }

  get listing() {
    return this.section.querySelector("#listing");
  }

  /** What needs this script anyway is not sent with each row. */
  complete(listing) {
    for (const box of listing.querySelectorAll(".pick")) box.closest("tr").dataset.path = box.value;
    offerCopies(listing, this.section.querySelector("#copy-digest"));
  }

  replace(fresh) {
    const { chosen } = this.selecting;
    const had = this.focused();
    localize(fresh);
    this.complete(fresh);
    this.listing.replaceWith(fresh);
    this.selecting.choose(chosen);
    if (had) this.focus(had, { preventScroll: true });
    const state = this.section.querySelector("#listing-state");
    if (state.textContent !== fresh.dataset.state) state.textContent = fresh.dataset.state;
  }

  /** Which row's which part has the focus, if any. */
  focused() {
    const element = document.activeElement;
    if (!this.listing.contains(element)) return null;
    const row = element.closest("tbody tr");
    if (!row) return { kind: element.id === "more" ? "#more" : ".entry", index: Infinity };
    const kind = [".pick", ".entry", ".copy", ".cell-act a"].find((one) => element.matches(one)) ?? ".entry";
    return { path: row.dataset.path, kind, index: row.sectionRowIndex };
  }

  focus({ path, kind, index }, options) {
    const rows = [...this.section.querySelectorAll("#listing tbody tr")];
    const row = rows.find((one) => one.dataset.path === path) ?? rows[Math.min(index, rows.length - 1)];
    const found = kind === "#more" ? this.section.querySelector(kind) : row?.querySelector(kind);
    (found ?? row?.querySelector(".entry") ?? this.section.querySelector("#folder-name")).focus(options);
  }

  fail() {
    this.listing.querySelector("#failed")?.remove();
    const said = document.getElementById("unreachable").content.cloneNode(true);
    said.firstElementChild.id = "failed";
    this.listing.prepend(said);
  }

  /** Something was done in a dialog, and the server led to `found`. */
  async changed(found, body) {
    if (!found.page.getElementById("files")) return go(found.url);
    const before = new Set(this.selecting.boxes.map((box) => box.value));
    const index = this.section.querySelector("tr:has(.pick:checked)")?.sectionRowIndex ?? 0;
    await this.load(location.href);
    this.say(found.page.querySelector("main > [role=status]")?.textContent ?? "");
    const name = body.get("name")?.trim().normalize("NFC");
    const made = this.selecting.boxes.map((box) => box.value)
      .find((path) => !before.has(path) && path.split("/").pop() === name);
    this.focus({ path: made, kind: ".entry", index });
  }

  say(text) {
    const said = this.section.querySelector("#said");
    said.textContent = text;
    said.classList.toggle("shown", Boolean(text));
    this.later("said", SAID_FOR, () => said.classList.remove("shown"));
  }

  /** By an address where it is short enough: then it disturbs nothing that runs on this page. */
  download(event) {
    if (event.submitter?.hasAttribute("formaction")) return;
    event.preventDefault();
    const { chosen } = this.selecting;
    const row = [...this.section.querySelectorAll("tbody tr")].find((one) => one.dataset.path === chosen[0]);
    if (chosen.length === 1) return save(row.querySelector(".cell-act a").href);
    const paths = chosen.map((path) => `&path=${encodeURIComponent(path)}`).join("");
    const url = `${this.search.action}?zip${paths}`;
    if (url.length < LONGEST) save(url);
    else this.form.submit();
  }
}

onPage("#files", (section, signal) => new Listing(section, signal));
