// A thread of its own for digests, so that the page never waits for one.
// Reads a file piece by piece and holds no more than one; asked for several, it does them in turn.

import { Sha256, hex } from "./sha256.js";

const AT_ONCE = 4 * 1024 * 1024; // up to here a file is taken in one piece
const READ = 1024 * 1024; // larger reads gained nothing
const TOLD = 4 * 1024 * 1024; // bytes between two words about how far it is

const given_up = new Set();
let last = Promise.resolve();

onmessage = ({ data: { id, blob, stop } }) => {
  if (stop) given_up.add(id);
  else last = last.then(() => answer(id, blob));
};

async function answer(id, blob) {
  try {
    const digest = await digestOf(id, blob);
    if (digest) postMessage({ id, digest });
  } catch (error) {
    postMessage({ id, error: error.name });
  }
  given_up.delete(id);
}

async function digestOf(id, blob) {
  if (blob.size <= AT_ONCE && globalThis.crypto?.subtle) {
    const bytes = await blob.arrayBuffer();
    return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
  }
  const sha256 = new Sha256();
  let taken = 0;
  let told = 0;
  for await (const bytes of piecesOf(blob)) {
    if (given_up.has(id)) return null;
    sha256.update(bytes);
    taken += bytes.length;
    if (taken - told < TOLD) continue;
    told = taken;
    postMessage({ id, bytes: taken });
  }
  if (taken !== blob.size) throw new DOMException("the file is shorter than it was", "NotReadableError");
  return hex(sha256.digest());
}

/** All of a blob through one buffer where the browser can do that; otherwise each piece is garbage afterwards. */
async function* piecesOf(blob) {
  const reader = intoBuffers(blob);
  if (!reader) {
    for (let at = 0; at < blob.size; at += READ) yield new Uint8Array(await blob.slice(at, at + READ).arrayBuffer());
    return;
  }
  try {
    for (let buffer = new ArrayBuffer(READ); ;) {
      const { value, done } = await reader.read(new Uint8Array(buffer));
      if (done) return;
      yield value;
      ({ buffer } = value);
    }
  } finally {
    reader.cancel().catch(() => {}); // also when the digest is given up
  }
}

function intoBuffers(blob) {
  try {
    return blob.stream().getReader({ mode: "byob" });
  } catch {
    return null;
  }
}
