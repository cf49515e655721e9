// The line to the server: open, lost, or waiting for a login. Everyone who lost it waits here together,
// and one of them asks whether the server is back, with pauses that grow.

const PAUSES = [500, 1000, 2000, 4000, 8000, 15000, 30000]; // milliseconds

export class Line {
  state = "open"; // or "lost", "login"
  next = 0; // when it is tried again, by Date.now()
  #listeners = [];
  #waiting = [];
  #wake = () => {};
  #lives;

  /** `lives(signal)` asks whether anybody answers. */
  constructor(lives) {
    this.#lives = lives;
    addEventListener("online", () => this.tryNow());
  }

  listen(listener) {
    this.#listeners.push(listener);
  }

  /** Resolves when the line is open, at once when it is. Throws AbortError when `signal` aborts. */
  opened(signal) {
    if (this.state === "open") return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiting.push(resolve);
      signal?.addEventListener("abort", () => reject(new DOMException("given up", "AbortError")));
    });
  }

  /** No answer came: look for the server until it is back. */
  lose() {
    if (this.state !== "open") return;
    this.#become("lost");
    this.#look();
  }

  /** The session has ended: wait for somebody to log in. */
  needLogin() {
    if (this.state !== "login") this.#become("login");
  }

  /** Somebody did. */
  loggedIn() {
    this.#become("open");
  }

  /** Do not wait for the pause to end. */
  tryNow() {
    this.#wake();
  }

  async #look() {
    for (let tries = 0; this.state === "lost"; tries += 1) {
      const pause = PAUSES[Math.min(tries, PAUSES.length - 1)];
      this.next = Date.now() + pause;
      this.#tell();
      await this.#pause(pause);
      if (await this.#answers()) {
        if (this.state === "lost") this.#become("open");
        return;
      }
    }
  }

  async #answers() {
    try {
      return await this.#lives(AbortSignal.timeout(10_000));
    } catch {
      return false;
    }
  }

  #pause(milliseconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #become(state) {
    this.state = state;
    this.#tell();
    if (state === "open") this.#waiting.splice(0).forEach((resolve) => resolve());
  }

  #tell() {
    for (const listener of this.#listeners) listener(this);
  }
}
