// Works the queue off: digests first, then the bytes, several files at once.
// What fails by the line is tried again for as long as it takes; what the server refuses is told.

import { NoAnswer, Refused } from "./request.js";
import { Unreadable } from "./hashing.js";

const MIB = 1024 * 1024;
const WHOLE = 4 * MIB; // up to here a file comes whole with the request that begins it
const LEAST_PIECE = MIB;
const MOST_PIECE = 32 * MIB; // proxies cut at 100 MB
const PIECE_SECONDS = 3; // a cut line costs no more than the piece that was on its way
const LARGE_AT_ONCE = 3;
const AT_ONCE = 5; // of six connections that a browser opens, one stays for the pages
const AHEAD = 64; // digests made before their bytes can leave
const PATIENCE = 6; // times in a row without a byte more; a line that is down is not counted

const CHANGED = "The file was changed, moved or deleted since you chose it. Choose it again.";
const CHANGED_MEANWHILE = "The file changed while it was uploaded. Try again, and it is uploaded as it is now.";
const TAKEN_OVER = "Another window or program went on with this upload.";

export class Runner {
  #controllers = new Map();
  #toHash = [];
  #small = [];
  #large = [];
  #hashing = 0;
  #uploading = { all: 0, large: 0 };
  #piece = 4 * MIB;

  /**
   * `memory` keeps what is half done; `session.refresh()` gets a new token; `onHashed(item)` says whether an item
   * may go on by itself.
   */
  constructor({ queue, server, hashing, line, memory, session, onHashed }) {
    Object.assign(this, { queue, server, hashing, line, memory, session, onHashed });
  }

  /** Let an item run: its digest first, unless there is one. */
  start(item) {
    if (!this.#waits(item)) return;
    const isReady = item.sha256 !== null || item.isFolder;
    if (isReady && item.held) return; // whoever asks the person starts it
    if (isReady) (item.size > WHOLE ? this.#large : this.#small).push(item);
    else this.#toHash.push(item);
    this.#fill();
  }

  #waits(item) {
    return item.phase === "waiting" && this.queue.has(item);
  }

  /** Stop what an item does now. Its phase is told to the queue by who calls. */
  stop(item) {
    this.#controllers.get(item)?.abort();
  }

  #fill() {
    while (this.#hashing < this.hashing.lanes && this.#small.length + this.#large.length < AHEAD) {
      const item = this.#takeFrom(this.#toHash);
      if (!item) break;
      this.#run(item, (signal) => this.#hash(item, signal));
    }
    for (let item = this.#nextUpload(); item; item = this.#nextUpload()) this.#upload(item);
  }

  #nextUpload() {
    const { all, large } = this.#uploading;
    if (all >= AT_ONCE) return null;
    return (large < LARGE_AT_ONCE && this.#takeFrom(this.#large)) || this.#takeFrom(this.#small);
  }

  /** The first of a list that still waits. Who was paused meanwhile is put in again when it is to go on. */
  #takeFrom(list) {
    while (list.length) {
      const item = list.shift();
      if (this.#waits(item)) return item;
    }
    return null;
  }

  async #run(item, work) {
    const controller = new AbortController();
    this.#controllers.set(item, controller);
    try {
      await work(controller.signal);
    } catch (error) {
      if (!controller.signal.aborted) this.queue.move(item, "fail", { reason: reasonOf(error) });
    } finally {
      if (this.#controllers.get(item) === controller) this.#controllers.delete(item);
      this.#fill();
    }
  }

  async #hash(item, signal) {
    this.#hashing += 1;
    this.queue.move(item, "hash");
    try {
      const progress = (bytes) => this.queue.set(item, { hashed: bytes });
      const sha256 = await this.hashing.digest(item.file, progress, signal);
      this.queue.move(item, "hashed", { sha256, hashed: item.size });
      if (this.onHashed(item)) this.start(item);
    } finally {
      this.#hashing -= 1;
    }
  }

  #upload(item) {
    const large = item.size > WHOLE ? 1 : 0;
    this.#uploading.all += 1;
    this.#uploading.large += large;
    this.queue.move(item, "upload");
    this.#run(item, async (signal) => {
      try {
        const stored = await this.#deliver(item, signal);
        this.queue.move(item, "finish", { stored });
        this.memory.forget(item.url);
      } finally {
        this.#uploading.all -= 1;
        this.#uploading.large -= large;
      }
    });
  }

  /** Until it is stored, or something can't be helped. */
  async #deliver(item, signal) {
    let vain = 0;
    let before = 0;
    for (;;) {
      if (this.line.state !== "open") this.queue.set(item, { note: "line" });
      await this.line.opened(signal);
      if (item.note) this.queue.set(item, { note: "" });
      try {
        return await this.#send(item, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        vain = item.acknowledged > before ? 1 : vain + 1;
        before = item.acknowledged;
        this.queue.acknowledge(item, item.acknowledged);
        await this.#recover(item, error, vain, signal);
      }
    }
  }

  async #send(item, signal) {
    const progress = (bytes) => this.queue.fly(item, bytes);
    if (item.isFolder) {
      await this.server.makeFolder(item.path, signal);
      return { path: item.path, version: 0 };
    }
    const known = item.url !== null;
    const body = item.size > 0 && item.size <= WHOLE ? item.file : null;
    const told = known
      ? await this.server.progress(item.url, signal)
      : await this.server.create(asked(item), body, { progress, signal });
    if (!known) this.queue.set(item, { url: told.url });
    this.queue.acknowledge(item, told.offset);
    if (told.stored) return told.stored;
    this.memory.keep(item);
    return this.#pieces(item, signal);
  }

  async #pieces(item, signal) {
    let piece = this.#cut(item, item.acknowledged, signal);
    for (;;) {
      const sha256 = await piece.sha256;
      const following = piece.to < item.size ? this.#cut(item, piece.to, signal) : null;
      const began = performance.now();
      const progress = (bytes) => this.queue.fly(item, bytes);
      const told = await this.server.append(item.url, piece.from, piece.blob, { progress, signal, sha256 });
      this.#adapt(piece.to - piece.from, performance.now() - began);
      this.queue.acknowledge(item, told.offset);
      if (told.stored) return told.stored;
      piece = following && following.from === told.offset ? following : this.#cut(item, told.offset, signal);
    }
  }

  /** A piece and its digest, which is made while the piece before it is on its way. */
  #cut(item, from, signal) {
    const to = Math.min(item.size, from + this.#piece);
    const blob = item.file.slice(from, to);
    const sha256 = this.hashing.digest(blob, undefined, signal);
    sha256.catch(() => {}); // whoever waits for it hears of it
    return { from, to, blob, sha256 };
  }

  #adapt(bytes, milliseconds) {
    if (bytes < this.#piece) return; // the last one says little
    const wanted = (bytes / Math.max(1, milliseconds)) * 1000 * PIECE_SECONDS;
    const next = Math.min(Math.max(wanted, this.#piece / 2), this.#piece * 2);
    this.#piece = Math.round(Math.min(MOST_PIECE, Math.max(LEAST_PIECE, next)));
  }

  // What to do about what went wrong

  async #recover(item, error, vain, signal) {
    if (error instanceof NoAnswer) return this.#reconnect(item, error, vain);
    if (!(error instanceof Refused) || vain > PATIENCE) throw error;
    const remedy = REMEDIES[error.status] ?? (error.status >= 500 ? "wait" : "tell");
    await this[remedy](item, error, vain, signal);
  }

  async #reconnect(item, error, vain) {
    if (!(await isReadable(item.file, item.acknowledged))) throw new Unreadable();
    if (vain > 3 * PATIENCE) throw error; // the server lives, but takes nothing of this
    this.line.lose();
  }

  tell(_item, error) {
    throw error;
  }

  logIn() {
    this.line.needLogin();
  }

  async renew(_item, error, vain) {
    if (error.code === "stopped" || vain > 1) throw error;
    await this.session.refresh(); // somebody logged in again elsewhere
  }

  reconnect() {
    this.line.lose();
  }

  async wait(_item, error, vain, signal) {
    await pause(1000 * Math.max(error.retryAfter, 2 ** (vain - 1)), signal);
  }

  /** The server has let it go, after a week or by somebody's hand: nothing of it is there any more. */
  begin(item, error) {
    if (item.url === null) throw error;
    this.#unbegin(item);
  }

  async compare(item, error, vain, signal) {
    if (error.code === "superseded") throw new Error(TAKEN_OVER);
    if (item.url === null && error.code !== "upload_busy") throw error;
    if (vain > 1) await this.wait(item, error, vain, signal);
  }

  /** Wrong bytes: of a piece, which is sent again, or of the whole, which is gone. */
  async repeat(item, error, vain, signal) {
    if (await this.#isGone(item, signal)) {
      this.#unbegin(item);
      this.queue.set(item, { sha256: null, hashed: 0 });
      throw new Error(CHANGED_MEANWHILE);
    }
    if (vain > 3) throw error;
  }

  async #isGone(item, signal) {
    if (item.url === null) return true;
    try {
      await this.server.progress(item.url, signal);
      return false;
    } catch (error) {
      return error instanceof Refused && error.status === 404;
    }
  }

  #unbegin(item) {
    this.memory.forget(item.url);
    this.queue.set(item, { url: null, uploadId: this.queue.newId() });
    this.queue.acknowledge(item, 0);
  }
}

/** By status, which method of the Runner helps. Other 5xx pass by themselves; the rest is for a person. */
const REMEDIES = {
  401: "logIn",
  403: "renew",
  404: "begin",
  408: "wait",
  409: "compare",
  410: "begin",
  429: "wait",
  460: "repeat",
  502: "reconnect",
  503: "reconnect",
  504: "reconnect",
  507: "tell",
};

function asked({ uploadId, path, size, sha256, modified, replace }) {
  return { id: uploadId, path, size, sha256, modified, replace };
}

async function isReadable(file, at) {
  try {
    await file?.slice(at, at + 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("given up", "AbortError"));
    });
  });
}

function reasonOf(error) {
  return error instanceof Unreadable ? CHANGED : error.message;
}
