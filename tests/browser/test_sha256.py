"""The browser's own SHA-256, by the standard's vectors and against hashlib."""

import hashlib

import pytest

from tests.browser.conftest import Visiting
from tests.web.house import open_house

VECTORS = {
    "": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq": (
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
    "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu": (
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
    ),
    "a" * 1_000_000: "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
}
"""NIST's examples for FIPS 180-4."""

DIGEST = """async ([text, cut]) => {
  const address = document.querySelector("script[src*='upload/main.js']").src;
  const { Sha256, hex } = await import(address.replace("main.js", "sha256.js"));
  const bytes = new TextEncoder().encode(text);
  return hex(new Sha256().update(bytes.subarray(0, cut)).update(bytes.subarray(cut)).digest());
}"""

LENGTHS = """async ([longest]) => {
  const address = document.querySelector("script[src*='upload/main.js']").src;
  const { Sha256, hex } = await import(address.replace("main.js", "sha256.js"));
  const bytes = Uint8Array.from({ length: longest }, (_, index) => index % 251);
  return Array.from(bytes, (_, length) => {
    const sha256 = new Sha256();
    for (let at = 0; at < length; at += 37) sha256.update(bytes.subarray(at, Math.min(at + 37, length)));
    return hex(sha256.digest());
  });
}"""


@pytest.mark.parametrize("text", VECTORS, ids=lambda text: f"{len(text)} bytes")
async def test_digest_is_the_standards(text: str, visit: Visiting) -> None:
    async with open_house() as house:
        one = await visit(house, "anna")
        await one.go("/account")
        for cut in (0, 1, 63, 64, 65, len(text) // 2):
            assert await one.page.evaluate(DIGEST, [text, cut]) == VECTORS[text]


async def test_every_length_around_the_blocks_agrees_with_hashlib(visit: Visiting) -> None:
    async with open_house() as house:
        one = await visit(house, "anna")
        await one.go("/account")
        found = await one.page.evaluate(LENGTHS, [300])
        data = bytes(n % 251 for n in range(300))
        assert found == [hashlib.sha256(data[:length]).hexdigest() for length in range(300)]
