"""Counts every call that touches a data folder, and lets a mishap stand in for the k-th.

Patches `os` and `sqlite3` of this process, below all of our stores and above the system.
Calls on other files and on sockets pass uncounted, so that k means the same in each run.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from unittest.mock import patch

BY_PATH = ("open", "unlink", "rename", "mkdir", "listdir", "statvfs")
BY_DESCRIPTOR = {
    "write": 0, "writev": 0, "pwrite": 0, "pread": 0, "fsync": 0, "fdatasync": 0, "ftruncate": 0,
    "posix_fallocate": 0, "sendfile": 1, "copy_file_range": 1,
}  # fmt: skip
"""Functions of `os`, each with the place of its file's descriptor among the arguments."""

READS = frozenset(
    {"pread", "listdir", "statvfs", "SELECT", "PRAGMA", "BEGIN", "SAVEPOINT", "WITH", "RELEASE"}
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call: `name` is a function of `os`, `connect`, or a statement's first word in capitals."""

    name: str
    run: Callable[[], Any]
    args: tuple[Any, ...] = ()

    @property
    def is_sql(self) -> bool:
        """Whether SQLite is asked, rather than the system."""
        return self.name.isupper() or self.name == "connect"

    @property
    def writes(self) -> bool:
        """Whether it can change something on the disk."""
        creates = self.name == "open" and bool(self.args[1] & os.O_CREAT)
        return creates or self.name not in READS | {"open", "connect"}


class Mishap(Protocol):
    """What stands in for a call."""

    @property
    def sticky(self) -> bool:
        """Whether it befalls every call after the k-th, too."""
        ...

    def touches(self, call: Call) -> bool:
        """Whether it can befall such a call; only these are counted."""
        ...

    def strike(self, call: Call) -> Any:
        """Stand in for the call: do it, or half of it, return or raise."""
        ...

    def passed(self, call: Call) -> None:
        """That call, whichever it was and whether or not it counts, went well."""
        ...


@dataclass
class Injector:
    """Lets `mishap` befall the `at`-th call of those it touches; 0 only counts."""

    folder: Path
    mishap: Mishap
    at: int = 0
    calls: int = 0
    struck: list[str] = field(default_factory=list)
    """Names of the calls that were befallen."""
    _armed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def installed(self) -> Iterator["Injector"]:
        """Within this, calls come by here; they are counted once `arm` was called."""
        with ExitStack() as patches:
            for name in (*BY_PATH, *BY_DESCRIPTOR):
                patches.enter_context(patch.object(os, name, partial(self._system, name, getattr(os, name))))
            connect = partial(self._connect, sqlite3.connect)
            patches.enter_context(patch.object(sqlite3, "connect", connect))
            yield self

    def arm(self) -> None:
        """From now on calls count."""
        self._armed = True

    def disarm(self) -> None:
        """From now on nothing happens any more; what an armed call began goes on."""
        self._armed = False

    def come(self, call: Call) -> Any:
        """A call: runs it, or lets the mishap stand in for it."""
        if self._armed and self.mishap.touches(call) and self._is_due(call):
            return self.mishap.strike(call)
        result = call.run()
        self.mishap.passed(call)
        return result

    def _is_due(self, call: Call) -> bool:
        with self._lock:
            self.calls += 1
            due = self.calls == self.at or (self.mishap.sticky and 0 < self.at < self.calls)
            if due:
                self.struck.append(call.name)
        return due

    def _system(self, name: str, real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        run = partial(real, *args, **kwargs)
        return self.come(Call(name, run, args)) if self._is_ours(name, args) else run()

    def _is_ours(self, name: str, args: tuple[Any, ...]) -> bool:
        place = BY_DESCRIPTOR.get(name, 0)
        if len(args) <= place:
            return False
        target = args[place]
        if isinstance(target, int):
            try:
                target = os.readlink(f"/proc/self/fd/{target}")  # noqa: PTH115 (at every call)
            except OSError:
                return False
        return os.fsdecode(target).startswith(str(self.folder))

    def _connect(self, real: Callable[..., Any], database: Any, *args: Any, **kwargs: Any) -> Any:
        if not os.fspath(database).startswith(str(self.folder)):
            return real(database, *args, **kwargs)
        run = partial(real, database, *args, factory=_connection_of(self), **kwargs)
        return self.come(Call("connect", run))


def _connection_of(injector: Injector) -> type[sqlite3.Connection]:
    """Connections whose statements come by the injector."""

    class Counted(sqlite3.Connection):
        def execute(self, sql: str, *args: Any) -> Any:
            return self._come(sql, super().execute, sql, *args)

        def executemany(self, sql: str, *args: Any) -> Any:
            return self._come(sql, super().executemany, sql, *args)

        def backup(self, *args: Any, **kwargs: Any) -> None:
            self._come("BACKUP", super().backup, *args, **kwargs)

        def _come(self, sql: str, real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            word = sql.split(None, 1)[0].upper()
            if (
                word == "ROLLBACK"
            ):  # SQLite undoes without writing; it can't fail in a way that undoes nothing
                return real(*args, **kwargs)
            return injector.come(Call(word, partial(real, *args, **kwargs), (self, sql)))

    return Counted
