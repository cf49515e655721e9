"""A program at the web door: a bearer token, bare requests, whole answers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from fileshare.domain.model import OnConflict
from fileshare.services.new_uploads import NewUpload
from tests.services.workshop import ANNA, Bytes
from tests.web.house import House


@dataclass(frozen=True)
class Answer:
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Program:
    house: House
    token: str
    session: aiohttp.ClientSession

    @property
    def credentials(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def ask(self, method: str, path: str, **options: Any) -> Answer:
        """`path` goes out as it is, dots, escapes and all."""
        headers = {**self.credentials, **options.pop("headers", {})}
        url = URL(self.house.url + path, encoded=True)
        async with self.session.request(
            method, url, headers=headers, allow_redirects=False, **options
        ) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def get(self, path: str, **headers: str) -> Answer:
        """A header is written with underscores: `If_Range="…"`."""
        return await self.ask("GET", path, headers=_with_dashes(headers))

    async def head(self, path: str, **headers: str) -> Answer:
        return await self.ask("HEAD", path, headers=_with_dashes(headers))

    async def put(self, path: str, data: Any, **headers: str) -> Answer:
        return await self.ask("PUT", path, data=data, headers=_with_dashes(headers))

    @asynccontextmanager
    async def line(self, *lines: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection of its own, with a request's head sent as it is written here."""
        host, _, port = self.house.url.removeprefix("http://").rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        own = ("Host: x", f"Authorization: Bearer {self.token}")
        writer.write("\r\n".join((lines[0], *own, *lines[1:], "", "")).encode())
        try:
            yield reader, writer
        finally:
            writer.close()


async def until(happened: Callable[[], object]) -> None:
    """Look until it has, and fail when it takes far too long."""
    async with asyncio.timeout(20):
        while not happened():
            await asyncio.sleep(0.005)


def _with_dashes(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@asynccontextmanager
async def program(house: House, name: str = "anna") -> AsyncIterator[Program]:
    token, _ = await house.accounts.issue_token(house.known[name], name="test", address="127.0.0.1")
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield Program(house, token, session)


async def store(house: House, path: str, data: bytes, *, modified: int | None = None) -> None:
    """A file, or its next version, without this door's help."""
    new = NewUpload(path, size=len(data), modified=modified, on_conflict=OnConflict.REPLACE)
    writer = await house.world.begin(new, ANNA)
    if data:
        await writer.receive(Bytes([data]), len(data))
    await writer.finish()
