// The queue as values: which files, in what phase, how far. Knows neither the page nor the network.
// Everyone else reads items and asks for changes here; nobody else writes to an item.

export const PHASES = ["waiting", "hashing", "uploading", "done", "failed", "paused"];

/** Phase, event, next phase. What is not here can't happen, and asking for it changes nothing. */
const NEXT = {
  waiting: { hash: "hashing", upload: "uploading", pause: "paused", finish: "done", fail: "failed" },
  hashing: { hashed: "waiting", pause: "paused", finish: "done", fail: "failed" },
  uploading: { pause: "paused", finish: "done", fail: "failed" },
  paused: { resume: "waiting" },
  failed: { resume: "waiting" },
  done: {},
};

const RUNNING = new Set(["waiting", "hashing", "uploading"]);
const WINDOW = 6000; // milliseconds over which speed is measured: long enough to be calm

/** One file, or an empty folder. A record that only the Queue changes. */
class Item {
  phase = "waiting";
  hashed = 0; // bytes
  acknowledged = 0; // bytes that the server said are durable
  inFlight = 0; // bytes that left beyond those
  sha256 = null;
  url = null; // the upload's, once it has begun
  replace = false; // what to do where the name is taken
  held = false; // waits for an answer of the person's
  there = null; // what stands at its path: {kind, size, sha256}
  stored = null; // {path, version, already}
  reason = ""; // why it failed
  note = ""; // what it waits for just now
  started = null; // when its bytes began to leave; speed and time left are measured from there
  moved = 0; // bytes that left since then

  constructor(id, uploadId, { path, file = null, handle = null }) {
    this.id = id;
    this.uploadId = uploadId;
    this.path = path;
    this.file = file;
    this.handle = handle;
    this.size = file ? file.size : 0;
    this.modified = file ? file.lastModified / 1000 : 0;
    this.name = path.slice(path.lastIndexOf("/") + 1);
    this.isFolder = file === null;
  }

  /** Bytes that need not be sent any more, or are on their way. */
  get sent() {
    return Math.min(this.size, this.acknowledged + this.inFlight);
  }
}

export class Queue {
  items = [];
  #ids = new Set();
  #byPath = new Map();
  #counts = Object.fromEntries(PHASES.map((phase) => [phase, 0]));
  #bytes = { all: 0, sent: 0 };
  #listeners = [];
  #speed;
  #last = 0;
  #now;

  /** `newId()` makes ids that nobody can guess; `now()` is milliseconds that never go back. */
  constructor(newId, now = () => performance.now()) {
    this.newId = newId;
    this.#now = now;
    this.#speed = new Speed(now);
  }

  /** `listener(item)` hears of each change, without an item when the list itself changed. Returns how to end that. */
  listen(listener) {
    this.#listeners.push(listener);
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }

  #tell(item = null) {
    for (const listener of this.#listeners) listener(item);
  }

  // The list

  /**
   * Take in `{path, file, handle}`s, without a file where it is an empty folder. One that is here already and
   * not finished is not doubled: it goes on with the file given now. Returns `{added, again}`: the items that are
   * new, and those that go on.
   */
  add(sources) {
    const found = { added: [], again: [] };
    for (const source of sources) {
      const known = this.#byPath.get(source.path);
      if (!known || !this.#isSame(known, source)) found.added.push(this.#append(source));
      else if (this.#goOn(known, source)) found.again.push(known);
    }
    this.#tell();
    return found;
  }

  #isSame(item, { file }) {
    if (item.phase === "done") return false;
    return item.isFolder ? file === null : file !== null && item.size === file.size
      && item.modified === file.lastModified / 1000;
  }

  #goOn(item, { file, handle }) {
    if (RUNNING.has(item.phase)) return false;
    item.file = file;
    item.handle = handle ?? item.handle;
    return this.move(item, "resume");
  }

  #append(source) {
    const item = new Item(++this.#last, this.newId(), source);
    this.items.push(item);
    this.#ids.add(item.id);
    this.#byPath.set(item.path, item);
    this.#counts.waiting += 1;
    this.#bytes.all += item.size;
    return item;
  }

  /** Whether it is in the list still. */
  has(item) {
    return this.#ids.has(item.id);
  }

  /** Take items out, whatever their phase. */
  remove(gone) {
    const ids = new Set(gone.map((item) => item.id));
    this.items = this.items.filter((item) => !ids.has(item.id));
    for (const item of gone) {
      if (!this.#ids.delete(item.id)) continue;
      this.#counts[item.phase] -= 1;
      this.#bytes.all -= item.size;
      this.#bytes.sent -= item.sent;
      if (this.#byPath.get(item.path) === item) this.#byPath.delete(item.path);
    }
    this.#tell();
  }

  // Changes of one item

  /** Tell what happened to an item; returns whether that can happen now. */
  move(item, event, change = {}) {
    const next = NEXT[item.phase][event];
    if (!next || !this.has(item)) return false;
    this.#recount(item, () => {
      this.#counts[item.phase] -= 1;
      this.#counts[next] += 1;
      Object.assign(item, { phase: next, note: "", reason: "" }, change);
      if (next !== "uploading") Object.assign(item, { inFlight: 0, started: null, moved: 0 });
      if (next === "done") item.acknowledged = item.size;
    });
    return true;
  }

  /** Note what does not change the phase: `held`, `note`, `there`, `replace`, `url`, `uploadId`, `stored`, `hashed`. */
  set(item, change) {
    Object.assign(item, change);
    this.#tell(item);
  }

  /** The server said how many bytes it has; they count as sent from here on. */
  acknowledge(item, offset) {
    this.#recount(item, () => Object.assign(item, { acknowledged: offset, inFlight: 0 }));
  }

  /** `bytes` are on their way beyond the acknowledged ones. */
  fly(item, bytes) {
    const more = Math.max(0, bytes - item.inFlight);
    item.started ??= this.#now();
    item.moved += more;
    this.#speed.add(more);
    this.#recount(item, () => Object.assign(item, { inFlight: bytes }));
  }

  #recount(item, change) {
    const before = item.sent;
    change();
    if (!this.has(item)) return; // taken out while its last answer was on the way
    this.#bytes.sent += item.sent - before;
    this.#tell(item);
  }

  // What it all comes to

  count(...phases) {
    return phases.reduce((sum, phase) => sum + this.#counts[phase], 0);
  }

  get running() {
    return this.count("waiting", "hashing", "uploading") > 0;
  }

  /** Bytes of all files, bytes sent, bytes a second just now, seconds that are left or null where nobody can say. */
  get totals() {
    const { all, sent } = this.#bytes;
    const speed = this.#speed.now;
    return { all, sent, speed, left: secondsLeft(all - sent, speed) };
  }

  /** Bytes a second and seconds left of one item. */
  rate(item) {
    const seconds = item.started === null ? 0 : (this.#now() - item.started) / 1000;
    const speed = seconds > 0.5 ? item.moved / seconds : 0;
    return { speed, left: secondsLeft(item.size - item.sent, speed) };
  }
}

function secondsLeft(bytes, speed) {
  return speed > 0 ? Math.ceil(bytes / speed) : null;
}

/** Bytes a second over the last few seconds. */
class Speed {
  #moments = []; // [when, bytes], a quarter of a second apart
  #now;

  constructor(now) {
    this.#now = now;
  }

  add(bytes) {
    const now = this.#now();
    const last = this.#moments.at(-1);
    if (last && now - last[0] < 250) last[1] += bytes;
    else this.#moments.push([now, bytes]);
    this.#forget(now);
  }

  get now() {
    const now = this.#now();
    this.#forget(now);
    if (!this.#moments.length) return 0;
    const seconds = Math.max(0.5, (now - this.#moments[0][0]) / 1000);
    return this.#moments.reduce((sum, [, bytes]) => sum + bytes, 0) / seconds;
  }

  #forget(now) {
    while (this.#moments.length && this.#moments[0][0] < now - WINDOW) this.#moments.shift();
  }
}
