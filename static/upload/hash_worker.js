// A thread of its own for digests, so that the page never waits for one.
// Reads a file piece by piece and holds no more than one; asked for several, it does them in turn.

import { Sha256, hex } from "./sha256.js";

const READ = 4 * 1024 * 1024; // bytes at once: larger ones gained nothing, and three workers hold one each

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
  if (blob.size <= READ && globalThis.crypto?.subtle) {
    const bytes = await blob.arrayBuffer();
    return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
  }
  const sha256 = new Sha256();
  for (let at = 0; at < blob.size; at += READ) {
    const bytes = new Uint8Array(await blob.slice(at, at + READ).arrayBuffer());
    if (given_up.has(id)) return null;
    sha256.update(bytes);
    postMessage({ id, bytes: at + bytes.length });
  }
  return hex(sha256.digest());
}
