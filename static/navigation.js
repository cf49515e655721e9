// Browsing on while something runs on the page, such as uploads: a full load would end it. Links and forms to pages
// of ours are then fetched, and what differs is swapped. While nothing runs, the browser does all by itself.

import { arrive, leave } from "./pages.js";
import { ownTitle } from "./title.js";

const ASSET = /\/static\/[0-9a-f]+\//;
const LEAVING = /\/(login|logout)$/; // another session: all of it anew

const holders = [];
let asked = null; // the page under way; a newer one ends it
let shown = location.href;

/** While `isRunning()` holds, pages are swapped instead of loaded. */
export function keepWhile(isRunning) {
  holders.push(isRunning);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || !isPlain(event) || link.target || link.hasAttribute("download") || !mayKeep(link.href)) return;
  const url = new URL(link.href);
  if (url.hash && url.href.split("#")[0] === location.href.split("#")[0]) return; // a place on this page
  event.preventDefault();
  visit(url.href);
});

document.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  const action = submitter?.hasAttribute("formaction") ? submitter.formAction : form.action;
  if (event.defaultPrevented || form.target || form.method === "dialog" || !mayKeep(action)) return;
  event.preventDefault();
  const fields = new FormData(form, submitter);
  if (form.method === "get") {
    const url = new URL(action);
    url.search = new URLSearchParams(fields);
    visit(url.href);
  } else {
    visit(action, { method: "POST", body: form.enctype === "multipart/form-data" ? fields : new URLSearchParams(fields) });
  }
});

addEventListener("popstate", (event) => {
  if (location.href.split("#")[0] === shown.split("#")[0]) return;
  if (event.state?.page || holders.length) visit(location.href, { back: true, scroll: event.state?.scroll ?? 0 });
});

function isPlain(event) {
  return !event.defaultPrevented && event.button === 0
    && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
}

function mayKeep(address) {
  const url = new URL(address, location.href);
  return url.origin === location.origin && !LEAVING.test(url.pathname) && holders.some((isRunning) => isRunning());
}

async function visit(url, { method = "GET", body = null, back = false, scroll = 0 } = {}) {
  asked?.abort();
  const one = asked = new AbortController();
  content().setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(url, { method, body, headers: { Accept: "text/html" }, signal: one.signal });
    if (!isPage(answer)) {
      one.abort(); // its bytes are for the browser, which fetches them itself
      return method === "GET" ? take(url, answer) : location.assign(url);
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!page.getElementById("content") || LEAVING.test(new URL(answer.url).pathname)) return location.assign(answer.url);
    if (!back) remember(answer.url);
    await show(page, scroll);
  } catch (error) {
    if (asked === one && error.name !== "AbortError") fail();
  } finally {
    if (asked === one) content().removeAttribute("aria-busy");
  }
}

function isPage(answer) {
  const isHtml = (answer.headers.get("Content-Type") ?? "").startsWith("text/html");
  return isHtml && !(answer.headers.get("Content-Disposition") ?? "").startsWith("attachment");
}

/** A file: saved where it is to be saved, otherwise shown beside this page. */
function take(url, answer) {
  const link = document.createElement("a");
  link.href = url;
  if ((answer.headers.get("Content-Disposition") ?? "").startsWith("attachment")) link.download = "";
  else link.target = "_blank";
  document.body.append(link);
  link.click();
  link.remove();
}

function remember(url) {
  history.replaceState({ ...history.state, page: true, scroll: scrollY }, "");
  if (url === location.href) return;
  history.pushState({ page: true, scroll: 0 }, "", url);
}

async function show(page, scroll) {
  await addAssets(page);
  leave();
  const token = page.querySelector('meta[name="csrf-token"]')?.content;
  const known = document.querySelector('meta[name="csrf-token"]');
  if (token && known) known.content = token;
  ownTitle(page.title);
  for (const part of ["header.bar", "#content"]) {
    const [old, fresh] = [document.querySelector(part), page.querySelector(part)];
    if (old && fresh) old.replaceWith(document.adoptNode(fresh));
  }
  shown = location.href;
  arrive();
  const target = location.hash ? document.getElementById(location.hash.slice(1)) : null;
  content().focus({ preventScroll: true });
  if (target) target.scrollIntoView();
  else scrollTo({ top: scroll, behavior: "instant" });
  announce(page.title);
}

/** What the new page names and this one has not, under this page's fingerprint: each module is one, also after an upgrade. */
async function addAssets(page) {
  const ours = import.meta.url.match(ASSET)[0];
  const have = new Set([...document.querySelectorAll("link[rel=stylesheet]")].map((link) => nameOf(link.href)));
  for (const link of page.querySelectorAll("link[rel=stylesheet]")) {
    if (!have.has(nameOf(link.getAttribute("href")))) document.head.append(document.adoptNode(link));
  }
  const modules = [...page.querySelectorAll("script[type=module][src]")].map((script) => script.getAttribute("src"));
  await Promise.all(modules.map((src) => import(src.replace(ASSET, ours))));
}

function nameOf(address) {
  return address.split(ASSET).pop();
}

function content() {
  return document.getElementById("content");
}

function fail() {
  document.getElementById("page-failed")?.remove();
  const said = document.getElementById("page-unreachable").content.cloneNode(true);
  said.firstElementChild.id = "page-failed";
  content().prepend(said);
  scrollTo({ top: 0 });
}

function announce(text) {
  let place = document.getElementById("page-said");
  if (!place) {
    place = Object.assign(document.createElement("p"), { id: "page-said", className: "visually-hidden" });
    place.setAttribute("role", "status");
    document.body.append(place);
  }
  place.textContent = text;
}
