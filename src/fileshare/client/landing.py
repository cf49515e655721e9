"""From memory to the disk: verify small files, write them, make them durable, give them their names.

The order is the promise. A file is written under a passing name in a folder of its own
beside the targets; then the bytes of all that came are made durable together; only then
they are renamed; then the names are made durable; only then anybody is told. So a power
cut leaves either nothing or the whole file under a name, and what was told survives it.

What comes first into a folder that was made for it lies in a folder of its own meanwhile,
which takes the place of the empty one in a single rename: a third of the work of a file
that is renamed by itself.
"""

import hashlib
import os
import queue
import threading
import time
from collections import deque
from contextlib import suppress
from itertools import count

from msgspec import Struct

from fileshare.client.downloads import Wanted
from fileshare.client.parts import SUFFIX, local_error, place, set_modified
from fileshare.client.reports import Outcome
from fileshare.client.syncing import FileSystem
from fileshare.errors import Conflict, DigestMismatch, FileshareError, StorageFailed

_FLOCKS_WAITING = 4
"""Flocks in memory that wait to be written: 4 MB, or 16 from a server that fills its answers."""

_TOGETHER = 1024
"""Files that are made durable together: ten thousand pay for ten syncs, and wait for a tenth at their end."""

_LONGEST_WAIT = 1.0
"""Seconds until a file that is there is made durable, also when few others come."""

_LOOK_SECONDS = 0.5
"""How often who waits for a thread sees whether it still lives, and Windows lets Ctrl-C in."""

_MARK = ".fileshare-"

_TIMES_BY_DESCRIPTOR = os.utime in os.supports_fd
"""Not on Windows; elsewhere it saves finding the file a second time."""

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)

_numbers = count()


class Arrived(Struct, frozen=True):
    """A small file that came, not yet verified."""

    wanted: Wanted
    outcome: Outcome
    """What is told once it is under its name."""
    modified: float
    content: bytes | bytearray | memoryview


class _Staged(Struct, frozen=True):
    """A file whose right bytes lie under a passing name."""

    path: str
    arrived: Arrived


class _Batch(Struct, frozen=True):
    """What is made durable together."""

    files: list[_Staged]
    folders: dict[str, str]
    """Folders that were made for this, and the ones in which their files lie under their names."""


Landed = tuple[Wanted, Outcome | FileshareError]
_Arrivals = list[Arrived] | threading.Event | None
_Batches = _Batch | threading.Event | None
"""Through both queues: work, somebody who waits until all work before is done, or the end."""


class Landing:
    """Two threads: one verifies and writes, one makes durable and renames what was written meanwhile."""

    def __init__(self, folder: str, job: str) -> None:
        """`folder`: where the passing names are, on the file system of the targets. `job`: whose they are."""
        self._stage = os.path.join(folder, f"{_mark(job)}{os.getpid()}-{next(_numbers)}{SUFFIX}")
        self._arrivals: queue.Queue[_Arrivals] = queue.Queue(_FLOCKS_WAITING)
        self._batches: queue.Queue[_Batches] = queue.Queue()
        self._landed: deque[Landed] = deque()
        self._made: deque[str] = deque()
        self._new: set[str] = set()
        """Folders that were made here, and have got nothing yet."""
        self._threads: list[threading.Thread] = []
        self._names = count()
        self._system: FileSystem | None = None

    def take(self, flock: list[Arrived]) -> None:
        """Hand files over; waits while much is waiting. Raises OSError where nothing can be written."""
        self._begin()
        self._put(flock)

    def made(self, folder: str) -> None:
        """A folder was made: its name has to be durable as well."""
        self._made.append(os.path.dirname(folder))
        self._new.add(folder)

    def landed(self) -> list[Landed]:
        """What became of files since the last call."""
        return [self._landed.popleft() for _ in range(len(self._landed))]

    def drain(self) -> None:
        """Return when all that was handed over is under its name, durably. Raises OSError."""
        if not self._threads and not self._made:
            return
        self._begin()
        done = threading.Event()
        self._put(done)
        while not done.wait(_LOOK_SECONDS):
            self._check_threads()

    def close(self) -> None:
        """End the threads; what they have lands first. Safe to call twice."""
        if self._threads:
            self._put(None)
            for thread in self._threads:
                thread.join()
            self._threads.clear()
        if self._system is not None:
            self._system.close()
            self._system = None
            _remove_stage(self._stage)

    def _begin(self) -> None:
        if self._threads:
            return
        os.makedirs(self._stage, 0o700)
        self._system = FileSystem(self._stage)
        for work in (self._write_all, self._settle_all):
            thread = threading.Thread(target=work, args=(self._system,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _put(self, work: _Arrivals) -> None:
        while True:
            try:
                self._arrivals.put(work, timeout=_LOOK_SECONDS)
            except queue.Full:
                self._check_threads()
            else:
                return

    def _check_threads(self) -> None:
        if not all(thread.is_alive() for thread in self._threads):
            raise RuntimeError("a thread that writes files has ended")

    # The thread that writes

    def _write_all(self, _: FileSystem) -> None:
        batch = _Batch([], {})
        began = 0.0
        work: _Arrivals = []
        while work is not None:
            try:
                work = self._arrivals.get(timeout=_left(began) if batch.files else None)
            except queue.Empty:
                work = []
            if isinstance(work, list):
                began = began if batch.files else time.monotonic()
                self._write_flock(work, batch)
                if len(batch.files) < _TOGETHER and _left(began):
                    continue
            self._batches.put(batch)
            batch = _Batch([], {})
            if not isinstance(work, list):
                self._batches.put(work)

    def _write_flock(self, flock: list[Arrived], batch: _Batch) -> None:
        for arrived in flock:
            try:
                batch.files.append(self._write(arrived, batch))
            except FileshareError as error:
                self._landed.append((arrived.wanted, error))

    def _write(self, arrived: Arrived, batch: _Batch) -> _Staged:
        wanted = arrived.wanted
        if hashlib.sha256(arrived.content).hexdigest() != arrived.outcome.digest:
            raise DigestMismatch(f"The bytes of {wanted.path!r} that came are not those it should have.")
        path = ""
        try:
            path, descriptor = self._create(wanted.target, batch)
            _fill(descriptor, path, arrived.content, arrived.modified)
        except OSError as error:
            _remove(path)
            raise local_error(wanted.target, error) from None
        return _Staged(path, arrived)

    def _create(self, target: str, batch: _Batch) -> tuple[str, int]:
        """A new file where it lies until it has its name, and its descriptor. Raises OSError."""
        folder, name = os.path.split(target)
        if folder in self._new:
            self._new.discard(folder)
            passing = self._passing()
            os.mkdir(passing)
            batch.folders[folder] = passing
        if folder in batch.folders:
            path = os.path.join(batch.folders[folder], name)
            with suppress(
                FileExistsError
            ):  # two names are one on this disk: the second sees that at its place
                return path, os.open(path, _NEW, 0o666)
        path = self._passing()
        return path, os.open(path, _NEW, 0o666)

    def _passing(self) -> str:
        return f"{self._stage}{os.sep}{next(self._names)}"

    # The thread that makes durable

    def _settle_all(self, system: FileSystem) -> None:
        while (work := self._batches.get()) is not None:
            if isinstance(work, _Batch):
                self._settle(system, work)
            else:
                work.set()

    def _settle(self, system: FileSystem, batch: _Batch) -> None:
        """Sync, rename, sync the names, tell."""
        staged = batch.files
        folders = {self._made.popleft() for _ in range(len(self._made))}
        try:
            system.sync([one.path for one in staged])
            whole = self._place_folders(system, batch)
            landed = [
                (one.arrived.wanted, None if os.path.dirname(one.path) in whole else self._place(system, one))
                for one in staged
            ]
            folders |= {os.path.dirname(wanted.target) for wanted, error in landed if error is None}
            folders |= {os.path.dirname(folder) for folder in whole.values()}
            system.sync_names(folders)
        except OSError as error:
            lost = StorageFailed(f"What came did not get onto the disk: {error.strerror}.")
            landed = [(one.arrived.wanted, lost) for one in staged]
        for one, (wanted, failure) in zip(staged, landed, strict=True):
            if failure is not None:
                _remove(one.path)
            self._landed.append((wanted, failure or one.arrived.outcome))

    def _place_folders(self, system: FileSystem, batch: _Batch) -> dict[str, str]:
        """Give whole folders their names; the names, by where they lay. The others' files go one by one."""
        whole = {}
        for target, folder in batch.folders.items():
            if system.rename_folder(folder, target):
                whole[folder] = target
        return whole

    def _place(self, system: FileSystem, staged: _Staged) -> FileshareError | None:
        wanted = staged.arrived.wanted
        try:
            if wanted.replace or not system.rename(staged.path, wanted.target):
                place(staged.path, wanted.target, replace=wanted.replace)
        except (Conflict, FileExistsError):
            return Conflict(f"{wanted.target!r} has come into being meanwhile: nothing was replaced.")
        except FileshareError as error:
            return error
        return None


def sweep(folder: str, job: str) -> None:
    """Remove what killed runs of that job have left there under passing names."""
    try:
        names = [name for name in os.listdir(folder) if name.startswith(_mark(job)) and name.endswith(SUFFIX)]
    except OSError:
        return
    for name in names:
        _remove_stage(os.path.join(folder, name))


def _remove_stage(stage: str) -> None:
    """Best effort: what stays lies under passing names."""
    try:
        for folder, _, files in os.walk(stage, topdown=False):
            for name in files:
                os.unlink(os.path.join(folder, name))
            os.rmdir(folder)
    except OSError:
        return


def _left(began: float) -> float:
    """Seconds that a batch may still wait for more."""
    return max(0.0, began + _LONGEST_WAIT - time.monotonic())


def _mark(job: str) -> str:
    return f"{_MARK}{job[:12]}-"


def _fill(descriptor: int, path: str, content: bytes | bytearray | memoryview, modified: float) -> None:
    """Write a new file, and close it. Raises OSError."""
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        if _TIMES_BY_DESCRIPTOR:
            set_modified(descriptor, modified)
    finally:
        os.close(descriptor)
    if not _TIMES_BY_DESCRIPTOR:
        set_modified(path, modified)


def _remove(path: str) -> None:
    """Delete a file that may not be there."""
    try:
        os.unlink(path)
    except OSError:
        return
