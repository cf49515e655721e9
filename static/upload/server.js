// What the queue asks of the server: tus 1.0 for the bytes, the JSON API for all else.
// One request each; who calls decides what a refusal means and when to try again.

import { base64 } from "./sha256.js";
import { send } from "./request.js";

const TUS = { "Tus-Resumable": "1.0.0" };
const OFFSET_STREAM = "application/offset+octet-stream";
const ASKED = 500; // paths in one question whether they exist: the server hears 1,000 in 64 KiB
const ASKED_CHARACTERS = 16_000;

export class Server {
  /** `addresses`: {tus, api, health}. `token()` is the CSRF token of this session, empty without one. */
  constructor(addresses, token) {
    this.addresses = addresses;
    this.token = token;
  }

  #send(method, url, options = {}) {
    const token = this.token();
    const headers = { ...(token && { "X-CSRF-Token": token }), ...options.headers };
    return send(method, url, { ...options, headers });
  }

  async #ask(method, path, value = undefined, signal = null) {
    const headers = value === undefined ? {} : { "Content-Type": "application/json" };
    const body = value === undefined ? null : JSON.stringify(value);
    const { text } = await this.#send(method, this.addresses.api + path, { headers, body, signal });
    return text ? JSON.parse(text) : null;
  }

  // tus

  /** Begin an upload, with all its bytes where `body` is given: `{url, offset, stored}`. */
  async create(upload, body, { progress, signal, sha256 }) {
    const headers = { ...TUS, "Upload-Length": String(upload.size), "Upload-Metadata": metadata(upload) };
    if (body) Object.assign(headers, { "Content-Type": OFFSET_STREAM }, checksum(sha256));
    const answer = await this.#send("POST", this.addresses.tus, { headers, body, progress, signal });
    return { url: pathOf(answer.header("Location")), ...toldBy(answer) };
  }

  /** How far an upload is, and what became of it when it is stored: `{offset, stored}`. */
  async progress(url, signal) {
    return toldBy(await this.#send("HEAD", url, { headers: TUS, signal }));
  }

  /** Send bytes that belong at `offset`, with their own digest in hex: `{offset, stored}`. */
  async append(url, offset, body, { progress, signal, sha256 }) {
    const headers = { ...TUS, "Upload-Offset": String(offset), "Content-Type": OFFSET_STREAM, ...checksum(sha256) };
    return toldBy(await this.#send("PATCH", url, { headers, body, progress, signal }));
  }

  /** Give an upload up. */
  abandon(url) {
    return this.#send("DELETE", url, { headers: TUS });
  }

  // The API

  /** By path, what stands there: `Map(path → {kind, size, sha256})`. */
  async existing(paths, signal) {
    const found = new Map();
    for (const some of batches(paths)) {
      const { files } = await this.#ask("POST", "files/exists", { paths: some }, signal);
      for (const file of files) found.set(file.path, file);
    }
    return found;
  }

  /** One's own half-done uploads, the newest first. */
  async halfDone() {
    return (await this.#ask("GET", "uploads?limit=1000")).uploads;
  }

  makeFolder(path, signal) {
    return this.#ask("POST", "folders", { path }, signal);
  }

  /** Whether anybody answers. */
  async lives(signal) {
    const answer = await fetch(this.addresses.health, { cache: "no-store", signal });
    return answer.ok;
  }
}

function* batches(paths) {
  let some = [];
  let length = 0;
  for (const path of paths) {
    if (some.length === ASKED || length > ASKED_CHARACTERS) {
      yield some;
      [some, length] = [[], 0];
    }
    some.push(path);
    length += path.length;
  }
  if (some.length) yield some;
}

function metadata({ id, path, sha256, modified, replace }) {
  const told = { filename: path, sha256, modified: String(modified), overwrite: String(replace), upload_id: id };
  return Object.entries(told).map(([key, value]) => `${key} ${inBase64(value)}`).join(",");
}

function inBase64(text) {
  return base64(new TextEncoder().encode(text));
}

function checksum(sha256) {
  if (!sha256) return {};
  const bytes = Uint8Array.from(sha256.match(/../g), (two) => parseInt(two, 16));
  return { "Upload-Checksum": `sha256 ${base64(bytes)}` };
}

/** `Location` is absolute, perhaps with the name by which a proxy knows the server: only its path is meant. */
function pathOf(location) {
  return new URL(location, document.baseURI).pathname;
}

function toldBy(answer) {
  const path = answer.header("Fileshare-Path");
  const version = Number(answer.header("Fileshare-Version"));
  return {
    offset: Number(answer.header("Upload-Offset")),
    stored: path === null ? null : { path: decodeURIComponent(path), version },
  };
}
