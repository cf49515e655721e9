"""What an `upload` command amounts to: which sources, under which ids, and what is done of it.

A job is on disk before its first byte is sent and goes when every file of it is stored,
so that whoever was interrupted goes on, by the same command or by `resume`, and nothing
is stored twice. Ids of single files follow from the job's (see `state.upload_id`).
"""

import os
import stat
import time
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from fileshare.client.folders import Found, FoundFile, walk
from fileshare.client.local import remote_name
from fileshare.client.state import (
    BY_FOLDER,
    Identity,
    Journal,
    State,
    UploadJob,
    UploadSource,
    new_id,
    upload_id,
)
from fileshare.domain import names
from fileshare.errors import BadName, BadRequest, FileshareError, NotFound


class UploadOrder(Struct, frozen=True, kw_only=True):
    """What the user asked for, apart from the sources themselves."""

    server: str
    account: str
    on_conflict: str
    follow_links: bool = False


class Planned(Struct, frozen=True):
    """Something that was found, and the source and job it belongs to."""

    work: "Work"
    source: UploadSource
    found: Found | FileshareError

    @property
    def path(self) -> str:
        """Where it goes on the server. Raises BadName."""
        relative = getattr(self.found, "relative", "")
        return names.join(self.source.target, remote_name(relative)) if relative else self.source.target

    def upload_id(self, found: FoundFile) -> str:
        """The id of this file's upload."""
        return upload_id(self.work.job, self.source.path, found.relative, found.identity)


class Work:
    """One job in the course of being done, wholly or some of its sources."""

    def __init__(
        self, state: State, job: UploadJob, sources: Sequence[UploadSource], *, resumed: bool = False
    ) -> None:
        self.job = job
        self.resumed = resumed
        """Whether an earlier run began it."""
        self.sources = sources
        self.journal: Journal = state.journal(job)
        self._state = state

    def planned(self) -> Iterator[Planned]:
        """All that is in the sources, as it is found."""
        for source in self.sources:
            try:
                status = os.stat(source.path)
            except OSError as error:
                yield Planned(self, source, NotFound(f"{source.path!r} can't be read: {error.strerror}."))
                continue
            if stat.S_ISDIR(status.st_mode):
                for found in walk(source.path, follow_links=self.job.follow_links):
                    yield Planned(self, source, found)
            else:
                yield Planned(self, source, FoundFile(source.path, "", Identity.of(status)))

    def older(self, planned: Planned, found: FoundFile) -> str | None:
        """The id of an earlier upload, where the source is a file that has changed since the job began."""
        old = planned.source.identity
        if old is None or old == found.identity:
            return None
        return upload_id(self.job, planned.source.path, "", old)

    def note_identity(self, planned: Planned, identity: Identity) -> None:
        """From now on the job is about this content of a source that is a file."""
        new = tuple(
            replace(source, identity=identity) if source.path == planned.source.path else source
            for source in self.job.sources
        )
        self.job = replace(self.job, sources=new)
        self._state.save_job(self.job)

    def finished(self, sources: Iterable[str]) -> None:
        """These sources are stored whole: forget them, and the job when none is left."""
        self.journal.close()
        done = set(sources)
        left = tuple(source for source in self.job.sources if source.path not in done)
        if not left:
            self._state.drop_job(self.job)
        elif len(left) < len(self.job.sources):
            self.job = replace(self.job, sources=left)
            self._state.save_job(self.job)


def source_of(path: str, folder: str, name: str | None) -> UploadSource:
    """A source from what the user typed. Raises NotFound, BadName, BadRequest."""
    absolute = os.path.abspath(path)
    base = name if name is not None else os.path.basename(absolute)
    if not base:
        raise BadRequest(f"{path!r} has no name of its own: give it one by --name.")
    try:
        status = os.stat(absolute)
    except FileNotFoundError:
        raise NotFound(f"There is no file or folder {path!r}.") from None
    except OSError as error:
        raise FileshareError(f"{path!r} can't be read: {error.strerror}.") from None
    _check_text(absolute)
    target = names.parse_path(names.join(names.parse_folder(folder), base))
    if stat.S_ISDIR(status.st_mode):
        return UploadSource(path=absolute, target=target)
    if not stat.S_ISREG(status.st_mode):
        raise BadRequest(f"{path!r} is not a regular file; to send what a program prints, use `-`.")
    return UploadSource(path=absolute, target=target, identity=Identity.of(status))


def _check_text(path: str) -> None:
    """Records of jobs are text: a path in no known encoding can't be resumed, so it is refused at once."""
    try:
        path.encode()
    except UnicodeEncodeError:
        raise BadName(f"The path {path!a} is not valid Unicode: rename the folder or file.") from None


def assign(state: State, order: UploadOrder, sources: Sequence[UploadSource]) -> list[Work]:
    """The work to do for these sources: jobs that were interrupted go on, for the rest there is a new one.

    What is new is durable on return.
    """
    waiting = {(source.path, source.target): source for source in sources}
    found = []
    for job in state.jobs(order.server):
        if not isinstance(job, UploadJob) or not _same(job, order):
            continue
        mine = [known for known in job.sources if waiting.pop((known.path, known.target), None) is not None]
        if mine:
            found.append(Work(state, job, mine, resumed=True))
    if waiting:
        job = _job(order, tuple(waiting.values()))
        state.save_job(job)
        found.append(Work(state, job, job.sources, resumed=False))
    return found


def rehearsal(state: State, order: UploadOrder, sources: Sequence[UploadSource]) -> Iterator[Planned]:
    """What an upload of these sources would be about; nothing is kept."""
    return Work(state, _job(order, tuple(sources)), sources).planned()


def _job(order: UploadOrder, sources: tuple[UploadSource, ...]) -> UploadJob:
    return UploadJob(
        ids=BY_FOLDER,
        id=new_id(),
        server=order.server,
        account=order.account,
        sources=sources,
        on_conflict=order.on_conflict,
        follow_links=order.follow_links,
        created=time.time(),
    )


def _same(job: UploadJob, order: UploadOrder) -> bool:
    return (job.account, job.on_conflict, job.follow_links) == (
        order.account,
        order.on_conflict,
        order.follow_links,
    )
