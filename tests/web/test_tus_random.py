"""Whatever happens to an upload, in whatever order: no acknowledged byte is lost, and none is wrong."""

import random
from collections.abc import AsyncIterator

import pytest

from fileshare.domain.model import Receipt
from fileshare.web.keys import WebSettings
from tests.services.workshop import World, caller
from tests.web.house import House, open_house
from tests.web.programs import until
from tests.web.tus import BYTES, Tus, checksum, tus_client

SIZE = 300_000
STEPS = 40


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house(WebSettings(stall_seconds=1), world=World(checkpoint_bytes=20_000)) as house:
        yield house


class Ordeal:
    """One upload, what it should become, and what the client knows to be safe."""

    def __init__(self, tus: Tus, chance: random.Random, url: str) -> None:
        self.tus = tus
        self.chance = chance
        self.url = url
        self.data = chance.randbytes(SIZE)
        self.safe = 0
        self.most = 0
        """More than this the server can't have of what counts."""

    async def step(self) -> None:
        steps = [self.send, self.send_checked, self.send_wrong, self.cut, self.cut_checked, self.other_door]
        steps += [self.send_elsewhere, self.power_cut]
        await self.chance.choice(steps)()
        await self.look()

    async def look(self) -> None:
        """Between what was acknowledged and what was sent; from there the client goes on."""
        offset = await self.tus.offset(self.url)
        assert self.safe <= offset <= self.most
        self.safe = self.most = offset

    def piece(self) -> bytes:
        left = SIZE - 1000 - self.safe  # the last bytes are sent at the end
        return self.data[self.safe : self.safe + self.chance.randint(0, max(0, min(30_000, left)))]

    async def send(self) -> None:
        piece = self.piece()
        answer = await self.tus.patch(self.url, self.safe, piece)
        assert (answer.status, answer.headers["Upload-Offset"]) == (204, str(self.safe + len(piece)))
        self.safe = self.most = self.safe + len(piece)

    async def send_checked(self) -> None:
        piece = self.piece()
        answer = await self.tus.patch(self.url, self.safe, piece, Upload_Checksum=checksum(piece))
        assert answer.status == 204
        self.safe = self.most = self.safe + len(piece)

    async def send_wrong(self) -> None:
        piece = self.chance.randbytes(1 + self.chance.randrange(900))
        wrong = {"Upload_Checksum": checksum(piece + b"x")}
        assert (await self.tus.patch(self.url, self.safe, piece, **wrong)).status == 460

    async def send_elsewhere(self) -> None:
        assert (await self.tus.patch(self.url, self.safe + 1, b"x")).status == 409

    async def cut(self) -> None:
        self.most += await self._cut()

    async def cut_checked(self) -> None:
        await self._cut("Upload-Checksum: " + checksum(self.data))

    async def _cut(self, *more: str) -> int:
        """A piece that breaks off when the server has read some of it; how much that is."""
        piece, writers = self.piece(), self.tus.house.world.uploads.writers
        lines = ("Tus-Resumable: 1.0.0", f"Upload-Offset: {self.safe}", f"Content-Type: {BYTES}", *more)
        head = f"PATCH {self.url.removeprefix(self.tus.house.url)} HTTP/1.1"
        async with self.tus.program.line(head, f"Content-Length: {len(piece) + 1}", *lines) as (_, writer):
            writer.write(piece)
            await until(lambda: any(one.offset == self.safe + len(piece) for one in writers()))
        return len(piece)

    async def other_door(self) -> None:
        """Somebody takes it over without HTTP, and lets go."""
        anna = caller(self.tus.house.known["anna"].id)
        found = await self.tus.house.world.uploads.resume(
            anna, lambda: None, upload_id=self.url.rpartition("/")[2]
        )
        assert not isinstance(found, Receipt)
        await found.release()

    async def power_cut(self) -> None:
        """All writers let go, and what no sync had covered is gone."""
        await self.tus.house.world.uploads.release_all()
        self.tus.house.world.blobs.power_cut()


@pytest.mark.parametrize("seed", range(6))
async def test_no_acknowledged_byte_is_lost_and_none_is_wrong(house: House, seed: int) -> None:
    async with tus_client(house) as tus:
        ordeal = Ordeal(tus, random.Random(seed), await tus.create(SIZE))
        for _ in range(STEPS):
            await ordeal.step()
        last = await tus.patch(ordeal.url, ordeal.safe, ordeal.data[ordeal.safe :])
        assert last.status == 204, last.text
        assert await house.world.stored_bytes("a.bin") == ordeal.data
        assert await house.world.blobs.parts() == []
