"""Passwords: how they are hashed, and checking them off the loop. `password_policy` says which may be chosen.

bcrypt takes a quarter of a second of a core on purpose, which makes a flood of logins
the cheapest way to stall a server: so it runs in threads of its own, few of them and nice, and
the line before them is bounded and fair by address. Never logs or keeps a password.
"""

import asyncio
import base64
import hashlib
import os
import unicodedata
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import bcrypt

from fileshare.errors import TooManyAttempts, Unavailable
from fileshare.services.fair_queue import FairQueue
from fileshare.services.nice_threads import nice_pool
from fileshare.services.password_policy import MAX_LENGTH, check_policy

COST: Final = 12
"""Doublings of bcrypt's work: 231 ms of a core on the machine that the design was measured on."""

WAITING: Final = 100
WAITING_PER_ADDRESS: Final = 20
"""Checks in line: as many as there may be connections that have not logged in (design, section 4)."""

RETRY_SECONDS: Final = 5
"""What someone is told who found no place in the line: half of a full line of lone askers is done then."""


@dataclass(frozen=True, slots=True)
class _Job:
    """Work in line, and who waits for its result."""

    work: Callable[[], Any]
    result: asyncio.Future[Any]


class Passwords:
    """Hashes and checks passwords in threads of its own. Belongs to one event loop."""

    def __init__(
        self,
        cost: int = COST,
        *,
        threads: int | None = None,
        waiting: int = WAITING,
        waiting_per_address: int = WAITING_PER_ADDRESS,
    ) -> None:
        """`cost` is bcrypt's; `threads` defaults to half of the cores, so that transfers keep the others."""
        self._cost = cost
        # Nobody knows a password for it; checking against it costs what a real one of this cost does.
        self._dummy = f"$2b${cost:02}${'.' * 53}"
        self._threads = threads or max(1, (os.cpu_count() or 1) // 2)
        self._pool = nice_pool(self._threads, "bcrypt")
        self._line: FairQueue[_Job] = FairQueue(waiting, waiting_per_address)
        # New passwords of people who have proved who they are: never refused, and first.
        self._hashes: deque[_Job] = deque()
        self._running = 0
        self._stopped = False

    async def hash(self, password: str, name: str) -> str:
        """bcrypt's text for a new password of the account of that name. Raises BadPassword, by the policy."""
        await asyncio.to_thread(check_policy, password, name)
        return await self.hash_unchecked(password)

    async def hash_unchecked(self, password: str) -> str:
        """As `hash`, for the documented first password alone, which the policy would refuse."""
        job = self._job(lambda: _hash(password, self._cost))
        self._hashes.append(job)
        self._pump()
        hashed: str = await job.result
        return hashed

    def check(self, password: str, password_hash: str | None, group: str) -> asyncio.Future[bool]:
        """Whether the password has that hash; None (no such account) costs the same and is False.

        `group` is whose place in line it takes: an address group's, or an account's own there. The
        check goes on when nobody awaits it any more, so that its outcome can still be counted:
        shield it. The future, or the call, raises TooManyAttempts when the line is full.
        """
        known = password_hash is not None
        expected = password_hash if password_hash is not None else self._dummy
        job = self._job(lambda: _matches(password, expected) and known)
        evicted = self._line.put(group, job)
        if evicted is job:
            raise TooManyAttempts(RETRY_SECONDS)
        if evicted is not None and not evicted.result.done():
            evicted.result.set_exception(TooManyAttempts(RETRY_SECONDS))
        self._pump()
        return job.result

    async def stop(self) -> None:
        """Finish what runs, refuse what waits. Safe to call twice."""
        self._stopped = True
        while self._hashes or self._line:
            job = self._next()
            if not job.result.done():
                job.result.set_exception(Unavailable("The server is stopping."))
        await asyncio.to_thread(self._pool.shutdown)

    def _job(self, work: Callable[[], Any]) -> _Job:
        if self._stopped:
            raise Unavailable("The server is stopping.")
        return _Job(work, asyncio.get_running_loop().create_future())

    def _pump(self) -> None:
        """Give free threads the next jobs; the line stays here, where it is fair."""
        while self._running < self._threads and (self._hashes or self._line):
            job = self._next()
            if job.result.done():  # nobody waits for it any more
                continue
            self._running += 1
            ran = asyncio.get_running_loop().run_in_executor(self._pool, job.work)
            ran.add_done_callback(partial(self._hand_over, job))

    def _next(self) -> _Job:
        return self._hashes.popleft() if self._hashes else self._line.take()

    def _hand_over(self, job: _Job, ran: asyncio.Future[Any]) -> None:
        self._running -= 1
        error = ran.exception()
        if not job.result.done():
            if error is None:
                job.result.set_result(ran.result())
            else:
                job.result.set_exception(error)
        self._pump()


def _digest(password: str) -> bytes:
    """What bcrypt gets: it stops at 72 bytes and at NUL, so any password becomes 44 plain ones."""
    if len(password) <= MAX_LENGTH:
        password = unicodedata.normalize("NFC", password)  # keyboards differ in how they type é (RFC 8265)
    return base64.b64encode(hashlib.sha256(password.encode("utf-8", "surrogatepass")).digest())


def _hash(password: str, cost: int) -> str:
    return bcrypt.hashpw(_digest(password), bcrypt.gensalt(cost)).decode("ascii")


def _matches(password: str, password_hash: str) -> bool:
    try:
        return bcrypt.checkpw(_digest(password), password_hash.encode("ascii"))
    except ValueError:  # a hash that bcrypt did not make is nobody's
        return False
