// What this browser remembers of uploads that are not finished: after a reload or a crash it can offer to go on.
// The server knows how far each is; kept here is only which file it was, where the browser lets one keep that.

const NAME = "fileshare-uploads";
const STORE = "half-done";
const CHANNEL = "fileshare-uploads";
const HEARD = 150; // milliseconds in which other tabs answer
const ELSEWHERE = 60; // seconds: what moved since then, and is not this browser's, runs in another program

export class HalfDone {
  #database = null;
  #kept = new Set(); // small files come and go without a word here
  #channel = "BroadcastChannel" in window ? new BroadcastChannel(CHANNEL) : null;
  #live;

  /** `live()` are the URLs of the uploads that this tab is at. */
  constructor(live) {
    this.#live = live;
    this.#channel?.addEventListener("message", ({ data }) => {
      if (data === "who?") this.#channel.postMessage(this.#live());
    });
  }

  /** Remember an upload that has begun. */
  keep({ url, path, size, modified, handle }) {
    this.#kept.add(url);
    this.#change((store) => store.put({ url, path, size, modified, handle }));
  }

  forget(url) {
    if (this.#kept.delete(url)) this.#change((store) => store.delete(url));
  }

  /** Of the server's half-done uploads those that nobody is at, each with what is remembered of it. */
  async offered(uploads) {
    const [remembered, elsewhere] = await Promise.all([this.#remembered(), this.#elsewhere()]);
    for (const url of remembered.keys()) this.#kept.add(url);
    const there = new Set(uploads.map((upload) => upload.url));
    for (const url of remembered.keys()) if (!there.has(url)) this.forget(url);
    const live = new Set([...elsewhere, ...this.#live()]);
    return uploads
      .filter((one) => one.sha256 && one.size !== null && !live.has(one.url))
      .filter((one) => remembered.has(one.url) || Date.now() / 1000 - one.touched > ELSEWHERE)
      .map((one) => ({ ...one, handle: remembered.get(one.url)?.handle ?? null }));
  }

  /** What the other tabs of this browser are at. */
  #elsewhere() {
    return new Promise((resolve) => {
      if (!this.#channel) return resolve([]);
      const heard = [];
      const hear = ({ data }) => Array.isArray(data) && heard.push(...data);
      this.#channel.addEventListener("message", hear);
      this.#channel.postMessage("who?");
      setTimeout(() => {
        this.#channel.removeEventListener("message", hear);
        resolve(heard);
      }, HEARD);
    });
  }

  async #remembered() {
    try {
      const store = await this.#store("readonly");
      const all = await settled(store.getAll());
      return new Map(all.map((one) => [one.url, one]));
    } catch {
      return new Map(); // a browser that keeps nothing, as in some private windows
    }
  }

  async #change(change) {
    try {
      change(await this.#store("readwrite"));
    } catch {
      // not remembered: the server's list still offers it
    }
  }

  async #store(mode) {
    this.#database ??= open();
    return (await this.#database).transaction(STORE, mode).objectStore(STORE);
  }
}

function open() {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "url" });
  return settled(request);
}

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
