"""What a `download` command amounts to: which remote paths, and where each file goes locally.

The record is on disk before the first byte comes and goes when everything is under its
name, so that whoever was interrupted goes on by `resume` or `--resume`.
"""

import hashlib
import os
import time
from collections.abc import Iterator, Sequence

from msgspec import UNSET, Struct, UnsetType

from fileshare.client.downloads import Wanted
from fileshare.client.line import Line
from fileshare.client.local import below, local_name
from fileshare.client.sources import digest_of_file
from fileshare.client.state import DownloadJob, State, new_id
from fileshare.client.stored import entries
from fileshare.domain import names
from fileshare.errors import BadRequest, Conflict, FileshareError
from fileshare.wire import messages as m


class DownloadOrder(Struct, frozen=True, kw_only=True):
    """What the user asked for."""

    server: str
    account: str
    paths: tuple[str, ...]
    output: str
    """Absolute, local."""
    into_folder: bool
    recursive: bool = False
    overwrite: bool = False
    version: int | None = None


class LocalFolder(Struct, frozen=True):
    """A folder that has to be there, also when it stays empty."""

    target: str


class Unusable(Struct, frozen=True):
    """Something that can't be fetched, and why."""

    path: str
    error: FileshareError


Found = Wanted | LocalFolder | Unusable


def job_of(order: DownloadOrder) -> DownloadJob:
    """A new job for an order; not on disk yet."""
    return DownloadJob(
        id=new_id(),
        server=order.server,
        account=order.account,
        paths=order.paths,
        output=order.output,
        into_folder=order.into_folder,
        recursive=order.recursive,
        overwrite=order.overwrite,
        version=order.version,
        created=time.time(),
    )


def interrupted(state: State, order: DownloadOrder) -> DownloadJob | None:
    """The unfinished job for the same order, if there is one."""
    for job in state.jobs(order.server):
        if isinstance(job, DownloadJob) and _asked(job) == _asked(order):
            return job
    return None


def _asked(order: DownloadOrder | DownloadJob) -> tuple[object, ...]:
    return (order.account, order.paths, order.output, order.into_folder, order.recursive, order.version)


def mark_of(job: DownloadJob, wanted: Wanted) -> str:
    """The journal's mark for one file with one content."""
    return hashlib.sha256(f"{job.id}\0{wanted.path}\0{wanted.digest}".encode()).hexdigest()[:32]


def root_entry(line: Line, path: str, version: int | None) -> m.EntryInfo:
    """What stands at a path that was asked for; the root is a folder. Raises NotFound, BadName."""
    if not path:
        return m.EntryInfo(path="", kind="folder", modified=0)
    parsed = names.parse_path(path)
    request = m.Stat(path=parsed, version=UNSET if version is None else version)
    entry = line.ask(request, m.EntryInfo)
    below(names.parent_of(parsed), entry.path)
    return entry


def planned(job: DownloadJob, roots: Sequence[m.EntryInfo], line: Line) -> Iterator[Found]:
    """Everything that the job is about. `line` is for listings alone, and used while files are fetched."""
    for root in roots:
        if root.kind != "folder":
            name = local_name(names.name_of(root.path))
            yield _wanted(job, root, os.path.join(job.output, name) if job.into_folder else job.output)
            continue
        if not job.recursive:
            yield Unusable(root.path, BadRequest(f"{root.path!r} is a folder: add --recursive to fetch it."))
            continue
        top = local_name(names.name_of(root.path)) if root.path else ""
        yield from _folder(job, root.path, os.path.join(job.output, top) if top else job.output, line)


def _folder(job: DownloadJob, path: str, target: str, line: Line) -> Iterator[Found]:
    yield LocalFolder(target)
    for entry in entries(line, path, recursive=True, ahead=True):
        if not isinstance(entry, m.EntryInfo):
            yield Unusable(path, entry)
            continue
        local = os.path.join(target, local_name(below(path, entry.path)))
        yield LocalFolder(local) if entry.kind == "folder" else _wanted(job, entry, local)


def _wanted(job: DownloadJob, entry: m.EntryInfo, target: str) -> Found:
    if isinstance(entry.size, UnsetType) or isinstance(entry.digest, UnsetType):
        return Unusable(entry.path, FileshareError(f"The server tells no digest of {entry.path!r}."))
    return Wanted(
        path=entry.path,
        target=target,
        size=entry.size,
        digest=entry.digest.lower(),
        modified=entry.modified,
        version=job.version,
        replace=job.overwrite,
    )


def stands_there(wanted: Wanted) -> bool:
    """Whether the target has the wanted content already. Raises Conflict where it may not be replaced."""
    if not os.path.lexists(wanted.target):
        return False
    if os.path.isdir(wanted.target):
        raise Conflict(f"{wanted.target!r} is a folder here, and a file on the server.")
    same_size = os.path.isfile(wanted.target) and os.path.getsize(wanted.target) == wanted.size
    if same_size and digest_of_file(wanted.target) == wanted.digest:
        return True
    if not wanted.replace:
        raise Conflict(
            f"{wanted.target!r} is there already, with another content: "
            "give --overwrite to replace it, or --output to write elsewhere."
        )
    return False
