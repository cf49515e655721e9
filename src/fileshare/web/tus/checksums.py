"""The checksum extension: a digest over the bytes of one request, compared before they count."""

import asyncio
import binascii
import hashlib
import hmac
from base64 import b64decode
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from aiohttp import web

from fileshare.errors import BadDigest
from fileshare.services.lending import Loan, SocketSource
from fileshare.web.receiving import Body

ALGORITHMS = ("sha1", "sha256")
"""The extension demands the first; it notices accidents, and the digest of the whole notices the rest."""

HEADER = "Upload-Checksum"

AT_ONCE = 1 << 20
"""Bytes hashed at a time, in a thread, while the next are read."""


HASHERS: web.AppKey[Executor] = web.AppKey("tus_hashers", Executor)


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a client promises of a request's body."""

    algorithm: str
    digest: bytes


def checksum_of(request: web.Request) -> Checksum | None:
    """The promise, None where there is none. Raises BadDigest for one that can't be checked."""
    told = request.headers.getall(HEADER, ())
    if not told:
        return None
    algorithm, _, encoded = told[0].strip().partition(" ")
    if len(told) > 1 or algorithm not in ALGORITHMS:
        raise BadDigest(f"{HEADER} is one checksum by {' or '.join(ALGORITHMS)}, such as 'sha256 <base64>'.")
    try:
        digest = b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != hashlib.new(algorithm, usedforsecurity=False).digest_size:
        raise BadDigest(f"{HEADER} does not hold the {algorithm} of the body in base64.")
    return Checksum(algorithm, digest)


class _HeardLoan:
    """A loan, and who hears what is taken."""

    def __init__(self, loan: Loan, heard: Callable[[memoryview], None]) -> None:
        self._loan = loan
        self.socket = loan.socket
        self.limit = loan.limit
        self.due = loan.due
        self.recall = loan.recall
        self.passed = heard
        self.give_back = loan.give_back

    @property
    def recalled(self) -> bool:
        """See the port."""
        return self._loan.recalled


class CheckedBody:
    """A body that is hashed while it is read. No more than two times `AT_ONCE` of it are in memory."""

    def __init__(self, body: Body, checksum: Checksum, hashers: Executor) -> None:
        self._body = body
        self._expected = checksum.digest
        self._hash = hashlib.new(checksum.algorithm, usedforsecurity=False)
        self._hashers = hashers
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._hashing: asyncio.Future[None] | None = None

    @property
    def whole(self) -> bool:
        """See `receiving.Body`."""
        return self._body.whole

    async def read(self, limit: int) -> bytes:
        """See `receiving.Body`."""
        data = await self._body.read(limit)
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if self._waiting_bytes >= AT_ONCE:
            await self._hash_what_waits()
        return data

    async def lend(self, limit: int) -> Loan | None:
        """See `services.lending`."""
        loan = await self._body.lend(limit) if isinstance(self._body, SocketSource) else None
        if loan is None:
            return None
        try:
            await self._hash_what_waits()
            await self._settle()
        except BaseException:
            loan.give_back(0)
            raise
        return _HeardLoan(loan, self._hash.update)

    async def matches(self) -> bool:
        """Whether all that was read is what was promised."""
        await self._hash_what_waits()
        await self._settle()
        return hmac.compare_digest(self._hash.digest(), self._expected)

    async def _hash_what_waits(self) -> None:
        await self._settle()
        pieces, self._waiting, self._waiting_bytes = self._waiting, [], 0
        loop = asyncio.get_running_loop()
        self._hashing = loop.run_in_executor(self._hashers, self._update, pieces)

    async def _settle(self) -> None:
        if self._hashing is not None:
            await self._hashing

    def _update(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            self._hash.update(piece)
