// What happens between choosing files and their first byte: is there such a file already, was it half done,
// and what does the person want where another stands? Asked once for all that came together.

import { Refused, NoAnswer } from "./request.js";

const COMPARED = 256 * 1024 * 1024; // bytes whose digests are awaited before the question, some seconds

export class Admission {
  #halfDone = new Map(); // path → the server's half-done uploads
  #asking = Promise.resolve();

  /** `ask(items)` puts the question, and resolves to `Map(item → "keep" | "replace" | "skip")`; those go to `skip(items)`. */
  constructor({ queue, server, line, session, ask, start, skip }) {
    Object.assign(this, { queue, server, line, session, ask, start, skip });
  }

  /** Look what is there, then let each item start. */
  async admit(items) {
    for (const item of items) this.queue.set(item, { held: true });
    try {
      const paths = items.map((item) => item.path);
      const there = await this.#persist(() => this.server.existing(paths));
      await this.refresh();
      for (const item of items) item.there = there.get(item.path) ?? null;
    } catch (error) {
      for (const item of items) this.queue.move(item, "fail", { reason: error.message, held: false });
      return;
    }
    this.#sort(items);
  }

  /** Learn anew what is half done. */
  async refresh() {
    const uploads = await this.#persist(() => this.server.halfDone());
    this.#halfDone = new Map();
    for (const upload of uploads) {
      const same = this.#halfDone.get(upload.path) ?? [];
      this.#halfDone.set(upload.path, [...same, upload]);
    }
    return uploads;
  }

  /** The item's digest is known: whether it may go on by itself. */
  onHashed(item) {
    const known = this.#halfOf(item, (upload) => upload.sha256 === item.sha256);
    if (item.there?.sha256 === item.sha256) {
      this.queue.move(item, "finish", { held: false, stored: { path: item.path, version: 0, already: true } });
    } else if (known && item.url === null) {
      this.queue.set(item, { url: known.url, replace: known.overwrite, held: false });
    }
    return !item.held;
  }

  #halfOf(item, matches = () => true) {
    const some = this.#halfDone.get(item.path) ?? [];
    return some.filter((upload) => upload.size === item.size && matches(upload))
      .sort((one, other) => other.offset - one.offset)[0];
  }

  #sort(items) {
    const taken = items.filter((item) => item.there && this.#clash(item));
    const comparable = taken.filter((item) => item.there.size === item.size || this.#halfOf(item));
    const halves = comparable.filter((item) => this.#halfOf(item));
    const bytes = comparable.reduce((sum, item) => sum + (halves.includes(item) ? 0 : item.size), 0);
    const isTaken = new Set(taken);
    for (const item of items) if (!isTaken.has(item)) this.queue.set(item, { held: false });
    // Those whose digest decides something come first.
    const first = new Set(comparable);
    for (const item of [...comparable, ...items.filter((one) => !first.has(one))]) this.start(item);
    if (!taken.length) return;
    const known = this.#compared(bytes <= COMPARED ? comparable : halves);
    this.#asking = Promise.all([this.#asking, known]).then(() => this.#question(taken));
  }

  /** Whether another file is in the way; folders and what can't be settled by a choice are done with here. */
  #clash(item) {
    if (item.isFolder === (item.there.kind === "folder")) {
      if (!item.isFolder) return true;
      this.queue.move(item, "finish", { held: false, stored: { path: item.path, version: 0, already: true } });
    } else {
      const reason = item.isFolder ? "A file has this name already." : "A folder has this name already.";
      this.queue.move(item, "fail", { reason, held: false });
    }
    return false;
  }

  /** Until each has its digest, or will have none. */
  #compared(items) {
    const open = new Set(items);
    return new Promise((resolve) => {
      const end = this.queue.listen((item) => {
        if (item === null) items.filter((one) => !this.queue.has(one)).forEach((one) => open.delete(one));
        else if (item.sha256 || !["waiting", "hashing"].includes(item.phase)) open.delete(item);
        if (open.size) return;
        end();
        resolve();
      });
      if (!open.size) resolve(end());
    });
  }

  async #question(taken) {
    const open = taken.filter((item) => item.held && this.queue.has(item) && ["waiting", "hashing", "paused"].includes(item.phase));
    if (!open.length) return;
    const answers = await this.ask(open);
    for (const item of open) {
      const answer = answers.get(item);
      this.queue.set(item, { held: false, replace: answer === "replace" });
      if (item.sha256 && answer !== "skip") this.start(item);
    }
    this.skip(open.filter((item) => answers.get(item) === "skip"));
  }

  /** Ask the server until it answers; throws what it refuses. */
  async #persist(attempt) {
    for (let tries = 0; ; tries += 1) {
      await this.line.opened();
      try {
        return await attempt();
      } catch (error) {
        if (error instanceof NoAnswer) this.line.lose();
        else if (error instanceof Refused && error.status === 401) this.line.needLogin();
        else if (error instanceof Refused && [502, 503, 504].includes(error.status)) this.line.lose();
        else if (error instanceof Refused && error.status === 403 && tries === 0) await this.session.refresh();
        else throw error;
      }
    }
  }
}
