// Digests of files, made by a few workers. The page's own thread only hands out and collects.

const WORKERS = Math.min(3, Math.max(1, (navigator.hardwareConcurrency || 2) - 1));

/** The file can't be read any more: moved, changed since it was chosen, or its disk is gone. */
export class Unreadable extends Error {}

export class Hashing {
  #workers = [];
  #jobs = new Map();
  #last = 0;

  /** How many digests are made at the same time. */
  get lanes() {
    return WORKERS;
  }

  /** The SHA-256 of a blob in hex. `progress(bytes)` is told how far it is. Throws Unreadable, AbortError. */
  digest(blob, progress = () => {}, signal = null) {
    return new Promise((resolve, reject) => {
      const id = ++this.#last;
      const worker = this.#idle();
      const job = { worker, progress, resolve, reject };
      this.#jobs.set(id, job);
      worker.busy += 1;
      signal?.addEventListener("abort", () => {
        worker.postMessage({ id, stop: true });
        this.#end(id);
        reject(new DOMException("given up", "AbortError"));
      });
      worker.postMessage({ id, blob });
    });
  }

  #idle() {
    const free = this.#workers.find((worker) => worker.busy === 0);
    if (free) return free;
    if (this.#workers.length < WORKERS) return this.#start();
    return this.#workers.reduce((one, other) => (other.busy < one.busy ? other : one));
  }

  #start() {
    const worker = new Worker(new URL("./hash_worker.js", import.meta.url), { type: "module" });
    worker.busy = 0;
    worker.onmessage = ({ data }) => this.#hear(data);
    worker.onerror = () => this.#lose(worker);
    this.#workers.push(worker);
    return worker;
  }

  #hear({ id, bytes, digest, error }) {
    const job = this.#jobs.get(id);
    if (!job) return; // given up
    if (bytes !== undefined) return void job.progress(bytes);
    this.#end(id);
    if (digest) job.resolve(digest);
    else job.reject(new Unreadable(error));
  }

  #end(id) {
    const job = this.#jobs.get(id);
    if (job) job.worker.busy -= 1;
    this.#jobs.delete(id);
  }

  /** A worker that could not be loaded or died: what it had is told, and the next digest starts another. */
  #lose(worker) {
    this.#workers = this.#workers.filter((other) => other !== worker);
    for (const [id, job] of this.#jobs) {
      if (job.worker !== worker) continue;
      this.#jobs.delete(id);
      job.reject(new Error("The digest could not be made: reload the page."));
    }
    worker.terminate();
  }
}
