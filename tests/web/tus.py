"""A tus client that sends what a test says and no more: each request is seen as it goes out."""

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.web.house import House
from tests.web.programs import Answer, Program, program

DATA = bytes(range(256)) * 400
BYTES = "application/offset+octet-stream"


def encoded(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def metadata(**pairs: str) -> str:
    return ",".join(f"{key} {encoded(value)}" for key, value in pairs.items())


def checksum(data: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm} {encoded(hashlib.new(algorithm, data).digest())}"


@dataclass
class Tus:
    program: Program

    @property
    def house(self) -> House:
        return self.program.house

    async def ask(self, method: str, path: str, data: Any = None, /, **headers: str) -> Answer:
        """A header is written with underscores; `Tus_Resumable=""` leaves that one out."""
        told = {"Tus-Resumable": "1.0.0", **{name.replace("_", "-"): text for name, text in headers.items()}}
        kept = {name: text for name, text in told.items() if text}
        path = path.removeprefix(self.house.url)
        return await self.program.ask(
            method, path, data=data, headers=kept, skip_auto_headers=["Content-Type"]
        )

    async def create(self, size: int | None = len(DATA), /, path: str = "a.bin", **headers: str) -> str:
        """The new upload's URL."""
        length = {"Upload_Defer_Length": "1"} if size is None else {"Upload_Length": str(size)}
        headers = {**length, "Upload_Metadata": metadata(filename=path), **headers}
        answer = await self.ask("POST", "/tus/", **headers)
        assert answer.status == 201, answer.text
        return answer.headers["Location"]

    async def patch(self, url: str, offset: int, data: Any, /, **headers: str) -> Answer:
        headers = {"Upload_Offset": str(offset), "Content_Type": BYTES, **headers}
        return await self.ask("PATCH", url, data, **headers)

    async def head(self, url: str, /, **headers: str) -> Answer:
        return await self.ask("HEAD", url, **headers)

    async def offset(self, url: str) -> int:
        answer = await self.head(url)
        assert answer.status == 200, answer.status
        return int(answer.headers["Upload-Offset"])


@asynccontextmanager
async def tus_client(house: House, name: str = "anna") -> AsyncIterator[Tus]:
    async with program(house, name) as one:
        yield Tus(one)
