"""Uploads in a real browser: what arrives is what was chosen, whatever happens in between."""

import hashlib
from pathlib import Path

from playwright.async_api import expect

from tests.browser.conftest import Visiting
from tests.web.house import open_house

MIB = 2**20


def data_of(size: int, seed: str = "") -> bytes:
    """Bytes that repeat nowhere nearby, the same each time."""
    block = hashlib.shake_128(f"fileshare {seed}".encode()).digest(min(size, MIB))
    return b"".join(bytes([n % 251]) + block[1:] for n in range(-(-size // MIB or 1)))[:size] if size else b""


async def test_chosen_files_arrive_whole(visit: Visiting, tmp_path: Path) -> None:
    contents = {"empty.txt": b"", "small.txt": b"hello", "large.bin": data_of(9 * MIB + 5)}
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    async with open_house() as house:
        one = await visit(house, "anna")
        await one.go("/files/")
        await one.page.set_input_files("#queue-files", [tmp_path / name for name in contents])
        await expect(one.page.locator("#queue-heading")).to_have_text("3 files uploaded")
        for name, data in contents.items():
            assert await house.world.stored_bytes(name) == data
