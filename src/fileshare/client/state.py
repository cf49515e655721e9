"""What is half done, on disk, so that a killed client or a rebooted machine can go on.

One small file per command (`jobs/`) and per partial download (`parts/`), each replaced
whole, so that two clients on one state folder can't corrupt it. Beside a job stands its
journal, which only grows. Losing a record costs a resume and never a wrong byte: ids
and digests are checked by the server and again at the end.
"""

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import TypeVar

import msgspec
from msgspec import Struct, field

from fileshare.client.places import make_private, write_private

_MARK = 16
"""Bytes of one journal entry: an upload's id, or a download's fingerprint."""


class Identity(Struct, frozen=True, array_like=True):
    """Which content a local file had, as far as the system tells without reading it."""

    device: int
    inode: int
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Identity":
        """The identity in what `os.stat` says."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class UploadSource(Struct, frozen=True, kw_only=True):
    """One thing to upload: a file or a folder, and the path it gets on the server."""

    path: str
    """Absolute, local."""
    target: str
    identity: Identity | None = None
    """Of a file when the job began; None for a folder."""


SCATTERED, BY_FOLDER = 1, 2
"""How a job's ids are made, see `upload_id`."""


class UploadJob(Struct, frozen=True, kw_only=True, tag="upload", tag_field="kind"):
    """One `upload` command. The ids of its uploads follow from `id`, so that repeats are recognised."""

    id: str
    server: str
    account: str
    sources: tuple[UploadSource, ...]
    on_conflict: str
    follow_links: bool = False
    created: float = 0.0
    ids: int = SCATTERED
    """A job goes on as it began: records of earlier clients don't tell."""
    v: int = 1


class DownloadJob(Struct, frozen=True, kw_only=True, tag="download", tag_field="kind"):
    """One `download` command."""

    id: str
    server: str
    account: str
    paths: tuple[str, ...]
    output: str
    """Absolute, local: a folder, or the file itself where `into_folder` is false."""
    into_folder: bool
    recursive: bool = False
    overwrite: bool = False
    version: int | None = None
    created: float = 0.0
    v: int = 1


class PartRecord(Struct, frozen=True, kw_only=True):
    """A partial download: which content `part` is the beginning of."""

    server: str
    path: str
    version: int
    digest: str
    size: int
    modified: float
    part: str
    target: str
    offset: int = 0
    """Bytes in `part` when its download last began or stopped; it may hold more, and what it holds counts."""
    updated: float = field(default_factory=time.time)
    v: int = 1


Job = UploadJob | DownloadJob
_Record = TypeVar("_Record", UploadJob, DownloadJob, PartRecord)


def new_id() -> str:
    """32 random hex digits."""
    return os.urandom(16).hex()


def upload_id(job: UploadJob, source: str, relative: str, identity: Identity) -> str:
    """The id of one file's upload within a job: the same for the same content, another for another.

    So nothing about single files needs to be on disk before they are sent, and a file
    that changed since can't be mixed with what was sent of it. Files of one folder have ids
    that begin alike: they come to the server together, and then stand together in its index.
    """
    told = "\0".join([job.id, source, relative, *map(str, (identity.device, identity.inode))])
    told += f"\0{identity.size}\0{identity.mtime_ns}"
    digest = _hex(told)
    if job.ids == SCATTERED:
        return digest[:32]
    return _of_folder(job.id, source, relative.rpartition(os.sep)[0]) + digest[:20]


@lru_cache(maxsize=64)
def _of_folder(job: str, source: str, folder: str) -> str:
    """What the ids of a job's files in a folder begin with: 6 hex digits for each."""
    return _hex(job)[:6] + _hex(f"{source}\0{folder}")[:6]


def _hex(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Journal:
    """What a job has finished, as 16-byte marks. A torn or lost end only means asking the server again.

    Any thread may use it.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: int | None = None
        self._done = self._load()
        self._new: list[bytes] = []
        self._lock = threading.Lock()

    def _load(self) -> set[bytes]:
        try:
            with open(self._path, "rb") as file:
                raw = file.read()
        except FileNotFoundError:
            return set()
        return {raw[at : at + _MARK] for at in range(0, len(raw) - _MARK + 1, _MARK)}

    def __contains__(self, mark: str) -> bool:
        return bytes.fromhex(mark) in self._done

    def __len__(self) -> int:
        return len(self._done)

    def add(self, mark: str) -> None:
        """Note as finished (32 hex digits); on disk with the next `flush`."""
        raw = bytes.fromhex(mark)
        with self._lock:
            if raw not in self._done:
                self._done.add(raw)
                self._new.append(raw)

    def flush(self) -> None:
        """Write what is new: in one write, so that marks of two processes don't mix."""
        with self._lock:
            if self._new:
                new, self._new = self._new, []
                os.write(self._open(), b"".join(new))

    def _open(self) -> int:
        if self._file is None:
            make_private(os.path.dirname(self._path))
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
            self._file = os.open(self._path, flags, 0o600)
            torn = os.fstat(self._file).st_size % _MARK
            if torn:  # fill up what a power cut tore, so that later marks stand where they are looked for
                os.write(self._file, b"\0" * (_MARK - torn))
        return self._file

    def close(self) -> None:
        """Write what is new, and let go of the file."""
        self.flush()
        if self._file is not None:
            os.close(self._file)
            self._file = None


class State:
    """The records in a state folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._jobs = os.path.join(folder, "jobs")
        self._parts = os.path.join(folder, "parts")

    def save_job(self, job: Job) -> None:
        """Remember a job. Durable on return."""
        write_private(self._job_file(job.id), msgspec.json.encode(job))

    def jobs(self, server: str) -> list[Job]:
        """The unfinished jobs towards a server, the oldest first. What can't be read is left alone."""
        found = list(_records(self._jobs, UploadJob)) + list(_records(self._jobs, DownloadJob))
        return sorted((job for job in found if job.server == server), key=lambda job: job.created)

    def journal(self, job: Job) -> Journal:
        """What that job has finished."""
        return Journal(os.path.join(self._jobs, f"{job.id}.done"))

    def drop_job(self, job: Job) -> None:
        """Forget a job, because it is done or given up."""
        _remove(self._job_file(job.id))
        _remove(os.path.join(self._jobs, f"{job.id}.done"))

    def save_part(self, record: PartRecord) -> None:
        """Remember a partial download. Durable on return."""
        write_private(self._part_file(record.part), msgspec.json.encode(record))

    def part(self, part: str) -> PartRecord | None:
        """What is known of the partial download at that local path."""
        record = _read(self._part_file(part), PartRecord)
        return record if record is not None and record.part == part else None

    def drop_part(self, part: str) -> None:
        """Forget a partial download."""
        _remove(self._part_file(part))

    def _job_file(self, job_id: str) -> str:
        return os.path.join(self._jobs, f"{job_id}.json")

    def _part_file(self, part: str) -> str:
        name = hashlib.sha256(part.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return os.path.join(self._parts, f"{name}.json")


def _records(folder: str, form: type[_Record]) -> Iterator[_Record]:
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".json"))
    except FileNotFoundError:
        return
    for name in names:
        record = _read(os.path.join(folder, name), form)
        if record is not None:
            yield record


def _read(path: str, form: type[_Record]) -> _Record | None:
    """A record, or None where there is none, or one that this version does not understand."""
    try:
        with open(path, "rb") as file:
            record = msgspec.json.decode(file.read(), type=form)
    except (FileNotFoundError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return record if record.v == 1 else None


def _remove(path: str) -> None:
    """Delete a record; another client may have done it already, or hold it open (Windows)."""
    try:
        os.unlink(path)
    except (FileNotFoundError, PermissionError):
        return
