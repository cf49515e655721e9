"""One committer for all connections: while one commit runs, what finishes waits for the next.

A commit costs a sync of the disk whatever it holds, so ten connections that finish at
once pay for one, and a pipelined folder of small files for a few. Nobody is told
before the commit that holds its file is durable.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from fileshare.domain.model import Receipt
from fileshare.errors import FileshareError, Unavailable
from fileshare.services.ports import Catalog, Finish

BATCH = 512
"""Most files in one commit: a transaction of a few milliseconds, so that others get their turn."""

Outcome = Receipt | FileshareError

_log = logging.getLogger("fileshare.server")


class _Call:
    """Items that came together, until all of them have their outcome: one future, not one for each."""

    def __init__(self, count: int, future: "asyncio.Future[list[Outcome]]") -> None:
        self.future = future
        self._count = count
        self._outcomes: list[Outcome] = []

    def take(self, outcome: Outcome) -> None:
        """The outcome of the next of them; batches keep their order."""
        self._outcomes.append(outcome)
        if len(self._outcomes) == self._count and not self.future.done():
            self.future.set_result(self._outcomes)


class Committer:
    """Collects finished uploads and commits them together, in the order in which they came."""

    def __init__(self, catalog: Catalog, clock: Callable[[], int]) -> None:
        self._catalog = catalog
        self._clock = clock
        self._waiting: list[tuple[Finish, _Call]] = []
        self._task: asyncio.Task[None] | None = None

    async def commit(self, items: Sequence[Finish]) -> list[Outcome]:
        """Commit the items with whatever else waits; durable on return, each with its own outcome.

        A caller that is cancelled does not take its items back.
        """
        if not items:
            return []
        loop = asyncio.get_running_loop()
        call = _Call(len(items), loop.create_future())
        self._waiting.extend((item, call) for item in items)
        if self._task is None:
            self._task = loop.create_task(self._run())
        return await call.future

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                outcomes = await self._commit([item for item, _ in batch])
                for (_, call), outcome in zip(batch, outcomes, strict=True):
                    call.take(outcome)
        finally:
            self._task = None

    async def _commit(self, items: Sequence[Finish]) -> Sequence[Outcome]:
        try:
            return await self._catalog.finish(items, self._clock())
        except FileshareError as error:
            return [error] * len(items)
        except Exception:
            _log.exception("a commit of %d finished uploads failed", len(items))
            return [Unavailable("The server could not commit this upload: try again later.")] * len(items)
