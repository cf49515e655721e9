// The queue as people see it: its head with the sum of all, the notices, and the list. Changes nothing by itself.

import * as words from "./words.js";
import { aheadOfTitle } from "../title.js";
import { Rows } from "./rows.js";

const CALM = 120; // milliseconds between two paintings
const SPOKEN = 2000; // milliseconds between two sentences that a screen reader is given

export class Panel {
  #element = document.getElementById("queue");
  #body = document.getElementById("queue-body");
  #changed = new Set();
  #arrange = false;
  #timer = 0;
  #rows;
  #queue;
  #line;
  #voice = new Voice(document.getElementById("queue-said"));

  /** `acts`: what the buttons do, `one(item, name)` and `all(name)`. */
  constructor(queue, line, acts, address) {
    this.#queue = queue;
    this.#line = line;
    this.#rows = new Rows(this.#body, queue, acts.one, address);
    this.#element.querySelector(".queue-all").addEventListener("click", ({ target }) => {
      const button = target.closest("[data-all]");
      if (button) acts.all(button.dataset.all);
    });
    this.#fold.addEventListener("click", () => this.fold(this.#fold.ariaExpanded === "true"));
    queue.listen((item) => this.#hear(item));
    line.listen(() => this.#paintHead());
  }

  get #fold() {
    return this.#element.querySelector("#queue-fold");
  }

  /** Only the head is left of a folded one. */
  fold(isFolded) {
    this.#fold.ariaExpanded = String(!isFolded);
    this.#body.hidden = isFolded;
  }

  /** Let it be seen, when there is anything to see. */
  show() {
    const notices = [...this.#body.querySelectorAll(".queue-notice")];
    this.#element.hidden = !this.#queue.items.length && notices.every((notice) => notice.hidden);
  }

  say(text) {
    this.#voice.say(text);
  }

  #hear(item) {
    if (item) this.#changed.add(item);
    else this.#arrange = true;
    this.#timer ||= setTimeout(() => this.#paint(), CALM);
  }

  #paint() {
    this.#timer = 0;
    if (this.#arrange) this.#rows.arrange();
    for (const item of this.#changed) this.#rows.paint(item);
    this.#rows.follow();
    this.#changed.clear();
    this.#arrange = false;
    this.#paintHead();
    this.show();
    if (this.#queue.count("uploading")) this.#timer = setTimeout(() => this.#paintAgain(), 1000);
  }

  /** Speeds change also while nothing moves. */
  #paintAgain() {
    for (const item of this.#queue.items) if (item.phase === "uploading") this.#changed.add(item);
    this.#paint();
  }

  #paintHead() {
    this.#text("#queue-heading", headingOf(this.#queue));
    this.#text("#queue-sum", sumOf(this.#queue, this.#line.state !== "open"));
    const { all, sent } = this.#queue.totals;
    const total = this.#element.querySelector("#queue-total");
    total.value = all > 0 ? sent / all : 0;
    total.hidden = !this.#queue.items.length;
    aheadOfTitle(this.#queue.running ? words.percent(sent, all) : "");
    const may = mayAll(this.#queue);
    const head = this.#element.querySelector(".queue-all");
    const focused = document.activeElement;
    for (const button of head.children) button.hidden = !may[button.dataset.all];
    if (head.contains(focused) && focused.hidden) this.#fold.focus();
  }

  #text(selector, text) {
    const element = this.#element.querySelector(selector);
    if (element.textContent !== text) element.textContent = text;
  }
}

function headingOf(queue) {
  const { length } = queue.items;
  const done = queue.count("done");
  const failed = queue.count("failed");
  if (!length) return "Uploads";
  if (queue.running) return `Uploading ${Math.min(done + failed + 1, length).toLocaleString("en")} of ${length.toLocaleString("en")}`;
  if (queue.count("paused")) return `Paused, ${words.files(queue.count("paused"))} to go`;
  if (failed) return `${words.files(failed)} failed`;
  return `${words.files(done)} uploaded`;
}

function sumOf(queue, isWaiting) {
  const { all, sent, speed, left } = queue.totals;
  const failed = queue.count("failed");
  if (!queue.running && !queue.count("paused")) return failed ? `${words.files(queue.count("done"))} uploaded` : words.size(all);
  if (queue.running && isWaiting) return words.joined(words.percent(sent, all), "waiting", failed && `${failed} failed`);
  const hashing = queue.count("hashing") && !queue.count("uploading") ? "hashing" : "";
  const running = queue.count("uploading") ? [words.speed(speed), words.left(left)] : [hashing];
  return words.joined(words.percent(sent, all), ...running, failed && `${failed} failed`);
}

function mayAll(queue) {
  const busy = queue.running || queue.count("paused") > 0;
  return {
    pause: queue.running,
    resume: queue.count("paused") > 0,
    retry: queue.count("failed") > 0,
    cancel: busy,
    close: !busy,
  };
}

/** Says a thing at a time, and of several that come at once the last. */
class Voice {
  #next = "";
  #busy = false;
  #place;

  constructor(place) {
    this.#place = place;
  }

  say(text) {
    this.#next = text;
    if (!this.#busy) this.#speak();
  }

  #speak() {
    this.#busy = this.#next !== "";
    if (!this.#busy) return;
    this.#place.textContent = this.#next;
    this.#next = "";
    setTimeout(() => this.#speak(), SPOKEN);
  }
}
