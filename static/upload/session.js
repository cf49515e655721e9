// Whose uploads these are: the CSRF token of the session, a new one after a new login, and the login itself.

const TOKEN = 'meta[name="csrf-token"]';
const AFTER_LOGIN = "/logout"; // a page of everyone who is logged in; the server puts a proxy's prefix before it

/** Another person has logged in with this browser; what was begun is not theirs. */
export class OtherAccount extends Error {}

export class Session {
  #account;
  #addresses;

  /** `addresses`: {login, session}, the latter a page of everyone who is logged in. */
  constructor(account, addresses) {
    this.#account = account;
    this.#addresses = addresses;
  }

  get account() {
    return this.#account;
  }

  /** Empty where nobody needs to log in. */
  token() {
    return document.querySelector(TOKEN)?.content ?? "";
  }

  /** Take over the token of a session that was opened elsewhere; whether there is one. Throws OtherAccount. */
  async refresh() {
    const answer = await fetch(this.#addresses.session, { headers: { Accept: "text/html" }, cache: "no-store" });
    return this.#take(await pageOf(answer));
  }

  /** Log in again; returns what was wrong, empty when nothing was. Throws OtherAccount, TypeError without a network. */
  async logIn(password) {
    const body = new URLSearchParams({ username: this.#account, password, next: AFTER_LOGIN });
    const answer = await fetch(this.#addresses.login, { method: "POST", body, headers: { Accept: "text/html" } });
    const page = await pageOf(answer);
    const wrong = page.querySelector('main [role="alert"]')?.textContent.trim();
    if (!answer.ok || wrong) return wrong || `The server answers ${answer.status}.`;
    this.#take(page);
    return "";
  }

  #take(page) {
    const token = page.querySelector(TOKEN)?.content;
    if (!token) return false; // nobody is logged in
    const account = page.getElementById("queue")?.dataset.account;
    if (account !== this.#account) {
      throw new OtherAccount(`You are logged in as ${account} now: log in as ${this.#account} to go on.`);
    }
    for (const field of document.querySelectorAll('input[name="csrf_token"]')) field.value = token;
    const meta = document.querySelector(TOKEN) ?? document.head.appendChild(named("csrf-token"));
    meta.content = token;
    return true;
  }
}

async function pageOf(answer) {
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function named(name) {
  const meta = document.createElement("meta");
  meta.name = name;
  return meta;
}
