// The queue's list: a page of rows at a time, so that 10,000 files cost no more than a hundred.
// Only what changed is painted, and a row that has the focus keeps it.

import * as words from "./words.js";

const SHOWN = 100; // rows in one page

/** What an item can be asked to do, by its phase. */
const ACTS = {
  waiting: ["pause", "cancel"],
  hashing: ["pause", "cancel"],
  uploading: ["pause", "cancel"],
  paused: ["resume", "cancel"],
  failed: ["retry", "cancel"],
  done: [],
};
const NAMES = { pause: "Pause", resume: "Go on with", retry: "Try again", cancel: "Cancel" };

export class Rows {
  #rows = new Map(); // item → its element
  #page = 0;
  #queue;
  #list;
  #template;
  #turners;
  #address;

  /** `act(item, name)` is called for a row's button; `address(item)` is where a stored file is. */
  constructor(body, queue, act, address) {
    this.#queue = queue;
    this.#list = body.querySelector("#queue-list");
    this.#template = document.getElementById("queue-row").content.firstElementChild;
    this.#turners = [...body.querySelectorAll("[data-page]")];
    this.#address = address;
    this.#list.addEventListener("click", ({ target }) => {
      const button = target.closest("[data-act]");
      if (button) act(button.closest("li").item, button.dataset.act);
    });
    for (const turner of this.#turners) turner.addEventListener("click", () => this.#turn(Number(turner.dataset.page)));
  }

  #turn(by) {
    this.#page += by;
    this.arrange();
    this.#focus();
  }

  /** Whoever used the keyboard goes on from what is left. */
  #focus() {
    const next = this.#list.querySelector("button:not([hidden]), a[href]") ?? document.getElementById("queue-fold");
    next.focus();
  }

  /** Show where work is being done, unless somebody is looking at the list. */
  follow() {
    const { items } = this.#queue;
    if (items.length <= SHOWN || this.#list.matches(":hover") || this.#list.parentElement.contains(document.activeElement)) return;
    const first = items.findIndex((item) => item.phase === "uploading" || item.phase === "hashing");
    if (first < 0 || Math.floor(first / SHOWN) === this.#page) return;
    this.#page = Math.floor(first / SHOWN);
    this.arrange();
  }

  /** The list itself changed. */
  arrange() {
    const { items } = this.#queue;
    this.#page = Math.max(0, Math.min(this.#page, Math.ceil(items.length / SHOWN) - 1));
    const from = this.#page * SHOWN;
    const wanted = items.slice(from, from + SHOWN);
    const keep = new Set(wanted);
    const focused = document.activeElement;
    const hadFocus = this.#list.contains(focused);
    for (const [item, row] of this.#rows) {
      if (keep.has(item)) continue;
      row.remove();
      this.#rows.delete(item);
    }
    wanted.forEach((item, index) => this.#place(item, index));
    if (hadFocus && !focused.isConnected) this.#focus();
    this.#label(this.#turners[0], from, "earlier");
    this.#label(this.#turners[1], items.length - from - wanted.length, "later");
  }

  #label(turner, count, word) {
    turner.hidden = count <= 0;
    turner.textContent = `${words.files(count, `${word} file`)}`;
  }

  #place(item, index) {
    const row = this.#rows.get(item) ?? this.#make(item);
    if (this.#list.children[index] !== row) this.#list.insertBefore(row, this.#list.children[index] ?? null);
  }

  #make(item) {
    const row = this.#template.cloneNode(true);
    row.item = item;
    row.querySelector(".queue-name bdi").textContent = item.name;
    const folder = item.path.slice(0, -item.name.length - 1);
    row.querySelector(".queue-where").textContent = folder;
    row.querySelector(".queue-where").hidden = !folder;
    row.querySelector("progress").setAttribute("aria-label", `Progress of ${item.name}`);
    for (const button of row.querySelectorAll("[data-act]")) {
      button.setAttribute("aria-label", `${NAMES[button.dataset.act]} ${item.name}`);
    }
    this.#rows.set(item, row);
    this.paint(item);
    return row;
  }

  paint(item) {
    const row = this.#rows.get(item);
    if (!row) return;
    if (row.dataset.phase !== item.phase) this.#dress(row, item);
    set(row.querySelector(".queue-state"), stateOf(item, this.#queue));
    const bar = row.querySelector("progress");
    const [part, whole] = item.phase === "hashing" ? [item.hashed, item.size] : [item.sent, item.size];
    bar.value = whole > 0 ? part / whole : 0;
  }

  #dress(row, item) {
    const focused = document.activeElement;
    row.dataset.phase = item.phase;
    for (const button of row.querySelectorAll("[data-act]")) {
      button.hidden = !ACTS[item.phase].includes(button.dataset.act);
    }
    row.querySelector("progress").hidden = item.phase === "done" || item.phase === "failed" || item.size === 0;
    if (item.phase === "done") row.querySelector("a").href = this.#address(item);
    if (row.contains(focused) && focused.hidden) row.querySelector("button:not([hidden]), a[href]")?.focus();
  }
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function stateOf(item, queue) {
  switch (item.phase) {
    case "waiting":
      return words.joined(waitingText(item), item.isFolder ? "empty folder" : words.size(item.size));
    case "hashing":
      return words.joined(`Hashing ${words.percent(item.hashed, item.size)}`, words.size(item.size));
    case "uploading":
      return uploadingText(item, queue);
    case "paused":
      return words.joined("Paused", item.sent ? amount(item) : words.size(item.size));
    case "failed":
      return item.reason;
    default:
      return doneText(item);
  }
}

function waitingText({ held, sha256 }) {
  if (!held) return "Waiting";
  return sha256 ? "Waiting for your answer" : "Waiting to be compared";
}

function uploadingText(item, queue) {
  if (item.isFolder) return "Making the folder";
  if (item.note) return words.joined("Waiting for the server", amount(item));
  const { speed, left } = queue.rate(item);
  return words.joined(amount(item), words.speed(speed), words.left(left));
}

function amount(item) {
  return `${words.size(item.sent)} of ${words.size(item.size)}`;
}

function doneText({ stored, path, size, isFolder }) {
  if (isFolder) return stored.already ? "This folder is there already" : "Empty folder made";
  if (stored.already) return "The same content is here already; nothing was sent";
  const name = stored.path.slice(stored.path.lastIndexOf("/") + 1);
  if (stored.path !== path) return words.joined(`Uploaded as ${name}`, words.size(size));
  if (stored.version > 1) return words.joined(`Uploaded as version ${stored.version}`, words.size(size));
  return words.joined("Uploaded", words.size(size));
}
