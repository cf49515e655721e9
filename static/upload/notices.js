// What the queue tells above its list: the server is away, the login has ended, some uploads are half done.

import * as words from "./words.js";

const LOOK = 5000; // milliseconds between two looks whether somebody logged in elsewhere

const find = (id) => document.getElementById(id);

/** The server is away: when it is tried again, and a button to do so now. */
export function showLine(line, panel) {
  let timer = 0;
  const paint = () => {
    clearTimeout(timer);
    find("queue-lost").hidden = line.state !== "lost";
    find("queue-login").hidden = line.state !== "login";
    if (line.state === "lost") {
      const seconds = Math.max(0, Math.ceil((line.next - Date.now()) / 1000));
      find("queue-again").textContent = seconds ? `Trying again in ${seconds} s.` : "Trying again now.";
      timer = setTimeout(paint, 1000);
    }
    panel.show();
  };
  let before = line.state;
  line.listen(() => {
    paint();
    if (line.state === before) return;
    before = line.state;
    panel.say({ lost: "The server can’t be reached. Uploads go on when it is back.", open: "Uploads go on.",
      login: "Your login has ended. Log in again to go on with the uploads." }[line.state]);
    if (line.state === "login") panel.fold(false);
  });
  find("queue-try").addEventListener("click", () => line.tryNow());
}

/** The login has ended: log in here, without leaving the page. */
export function logInAgain(line, session) {
  const form = find("queue-login");
  const wrong = find("queue-wrong");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    wrong.textContent = "";
    try {
      wrong.textContent = await session.logIn(form.elements.password.value);
    } catch (error) {
      wrong.textContent = error instanceof TypeError ? "The server can’t be reached." : error.message;
    }
    button.disabled = false;
    if (wrong.textContent) return form.elements.password.select();
    form.reset();
    find("queue-fold").focus();
    line.loggedIn();
  });
  const look = async () => {
    if (line.state !== "login") return;
    try {
      if (await session.refresh()) line.loggedIn();
    } catch (error) {
      wrong.textContent = error instanceof TypeError ? "" : error.message;
    }
  };
  addEventListener("focus", look); // from another tab, perhaps
  setInterval(look, LOOK); // or from another window, with this one in sight
}

/**
 * Before something that is half there is stopped: resolves to "keep" what arrived, "give-up" it, or "" to let it run.
 */
export function askToStop(items) {
  const half = items.filter((item) => item.url && item.acknowledged > 0 && item.phase !== "done");
  if (!half.length) return Promise.resolve("give-up");
  const dialog = find("stop");
  const bytes = half.reduce((sum, item) => sum + item.acknowledged, 0);
  find("stop-heading").textContent = half.length === 1 ? `Stop the upload of “${half[0].name}”?` : `Stop ${half.length} uploads?`;
  find("stop-sum").textContent = words.size(bytes);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}

/** Uploads that are half done, each with what one can do about it. */
export class HalfDoneNotice {
  #uploads = [];
  #panel;
  #acts;

  /** `acts`: `choose(uploads)`, `goOn(upload)` by the handle it has, `giveUp(upload)`. */
  constructor(panel, acts) {
    this.#panel = panel;
    this.#acts = acts;
    find("half-done-list").addEventListener("click", ({ target }) => {
      const button = target.closest("[data-act]");
      if (button) this.#act(button.closest("li").upload, button.dataset.act);
    });
    find("half-done-choose").addEventListener("click", () => acts.choose(this.#uploads));
    find("half-done-later").addEventListener("click", () => this.offer([]));
  }

  get uploads() {
    return this.#uploads;
  }

  offer(uploads) {
    const had = find("half-done").contains(document.activeElement);
    this.#uploads = uploads;
    this.complain("");
    find("half-done").hidden = !uploads.length;
    find("half-done-heading").textContent = headingOf(uploads.length);
    find("half-done-choose").textContent = uploads.length === 1 ? "Choose the file" : "Choose the files";
    find("half-done-list").replaceChildren(...uploads.map(rowOf));
    this.#panel.show();
    if (had) find("queue-fold").focus();
  }

  /** These go on, or are gone. */
  drop(urls) {
    const rest = this.#uploads.filter((upload) => !urls.includes(upload.url));
    if (rest.length !== this.#uploads.length) this.offer(rest);
  }

  complain(text) {
    find("half-done-said").textContent = text;
  }

  #act(upload, name) {
    if (name === "go-on") this.#acts.goOn(upload);
    else if (name === "choose") this.#acts.choose([upload]);
    else this.#acts.giveUp(upload);
  }
}

function headingOf(count) {
  return count === 1 ? "1 upload is half done." : `${count} uploads are half done.`;
}

function rowOf(upload) {
  const row = find("half-done-row").content.firstElementChild.cloneNode(true);
  row.upload = upload;
  row.querySelector(".queue-name").textContent = upload.path;
  const { offset, size } = upload;
  row.querySelector(".queue-state").textContent = `${words.percent(offset, size)} of ${words.size(size)}`;
  const name = upload.path.slice(upload.path.lastIndexOf("/") + 1);
  for (const button of row.querySelectorAll("[data-act]")) button.setAttribute("aria-label", `${button.textContent}: ${name}`);
  row.querySelector("[data-act=go-on]").hidden = !upload.handle;
  row.querySelector("[data-act=choose]").hidden = Boolean(upload.handle);
  return row;
}
