"""Connections that have run out of files of their own, lent to whoever moves a large one.

So `--jobs N` is N connections, however few files there are, and none more.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fileshare.client.line import Line
from fileshare.errors import FileshareError

Work = Callable[[Line], None]
"""Helps with a line until nothing is left to help with. Raises what ends that line."""


class IdleLines:
    """Knows which workers of a command still have work of their own."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._busy = workers
        self._wanted: list[Work] = []
        self._under_way: list[Work] = []
        """One for each helper."""
        self._changed = threading.Condition()

    @contextmanager
    def helping(self, work: Work) -> Iterator[None]:
        """Within this, idle workers do `work` too; none does any more on leaving it."""
        with self._changed:
            self._wanted.append(work)
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._wanted.remove(work)
                while work in self._under_way:
                    self._changed.wait()

    def leave(self) -> None:
        """A worker has no work of its own any more."""
        with self._changed:
            self._busy -= 1
            self._changed.notify_all()

    def lend(self, line: Line) -> None:
        """Help on that line until no worker has work of its own. For a worker that has left."""
        done: list[Work] = []
        while (work := self._next(done)) is not None:
            try:
                work(line)
            except FileshareError:
                return  # what it had is given back; whoever asked for help meets the cause or goes on
            finally:
                self._end(work)
            done.append(work)

    def _next(self, done: list[Work]) -> Work | None:
        with self._changed:
            while self._busy:
                waiting = [work for work in self._wanted if work not in done]
                if waiting:
                    work = min(waiting, key=self._under_way.count)
                    self._under_way.append(work)
                    return work
                self._changed.wait()
            return None

    def _end(self, work: Work) -> None:
        with self._changed:
            self._under_way.remove(work)
            self._changed.notify_all()
