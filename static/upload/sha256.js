// SHA-256 as a stream: crypto.subtle takes a file only in one piece, and only in a secure context.
// Allocates nothing per block; a Sha256 is used for one digest.

import { compress } from "./sha256_rounds.js";

const BLOCK = 64;
const LENGTH_AT = 56; // where the count of bits stands in the last block

const START = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

export class Sha256 {
  #state = Int32Array.from(START);
  #rest = new Uint8Array(BLOCK); // bytes that do not fill a block yet
  #view = new DataView(this.#rest.buffer);
  #length = 0;

  /** Take more bytes, a Uint8Array of any length. */
  update(bytes) {
    const held = this.#length % BLOCK;
    this.#length += bytes.length;
    let at = 0;
    if (held) {
      at = Math.min(BLOCK - held, bytes.length);
      this.#rest.set(bytes.subarray(0, at), held);
      if (held + at < BLOCK) return this;
      compress(this.#state, this.#view, 0, BLOCK);
    }
    const whole = at + Math.floor((bytes.length - at) / BLOCK) * BLOCK;
    compress(this.#state, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), at, whole);
    this.#rest.set(bytes.subarray(whole));
    return this;
  }

  /** The digest, 32 bytes. Nothing can be added after it. */
  digest() {
    const held = this.#length % BLOCK;
    this.#rest.fill(0, held);
    this.#rest[held] = 0x80;
    if (held >= LENGTH_AT) {
      compress(this.#state, this.#view, 0, BLOCK);
      this.#rest.fill(0);
    }
    this.#view.setUint32(LENGTH_AT, Math.floor(this.#length / 2 ** 29)); // bits above 32
    this.#view.setUint32(LENGTH_AT + 4, this.#length << 3);
    compress(this.#state, this.#view, 0, BLOCK);
    const digest = new Uint8Array(32);
    const view = new DataView(digest.buffer);
    this.#state.forEach((word, index) => view.setInt32(4 * index, word));
    return digest;
  }
}

/** Bytes as lower-case hex. */
export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Bytes in base64. */
export function base64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}
