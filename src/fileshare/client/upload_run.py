"""Do the work of upload jobs: walk, send small files in batches and large ones by themselves.

One run may use several connections, which take what was found from one feed. What fails
for one file is told and the others go on; what was finished before is not sent again.
"""

import os
import threading
from collections import deque
from collections.abc import Sequence
from functools import partial

from msgspec import UnsetType

from fileshare.client.conversation import Conversation
from fileshare.client.digests import Digests
from fileshare.client.feed import Feed
from fileshare.client.folders import FoundFile
from fileshare.client.idle_lines import IdleLines
from fileshare.client.line import Lines
from fileshare.client.rate import Rate
from fileshare.client.reports import Item, Outcome
from fileshare.client.sources import digest_of_file
from fileshare.client.stored import StoredFolders
from fileshare.client.tally import Tally, hopeless
from fileshare.client.upload_jobs import Planned, Work
from fileshare.client.upload_worker import UploadWorker
from fileshare.client.workers import run_on_lines
from fileshare.errors import FileshareError
from fileshare.wire import messages as m

_LARGE_AT_ONCE = 64
"""Large files wait so long for the small ones around them, which then fly in fuller batches."""

_FOLDERS_AT_ONCE = 64
"""MKDIRs in flight: within the server's patience and the line's buffers."""

KEEP_BOTH = "keep-both"
SKIP_SAME = "skip-same"


def _size(planned: Planned) -> int | None:
    return planned.found.identity.size if isinstance(planned.found, FoundFile) else None


class UploadRun:
    """One run over works of one kind of `on_conflict`."""

    def __init__(
        self, works: Sequence[Work], lines: Lines, rate: Rate, tally: Tally, digests: Digests
    ) -> None:
        self.works = works
        self.rate = rate
        self.tally = tally
        self.digests = digests
        found = (planned for work in works for planned in work.planned())
        self.feed = Feed(found, _size, tally.reporter)
        self.large_at_once = _LARGE_AT_ONCE
        conflicts = works[0].job.on_conflict
        self.on_conflict = KEEP_BOTH if conflicts == SKIP_SAME else conflicts
        self._stored = StoredFolders(lines.line()) if conflicts == SKIP_SAME else None
        self.idle: IdleLines | None = None
        self._lines = lines
        self._lock = threading.Lock()
        self._failed: set[str] = set()
        self._folders: deque[Planned] = deque()

    def run(self, jobs: int = 1) -> None:
        """Do it all on so many connections. Raises what stops everything; see `tally` for single files."""
        if jobs > 1:
            self.large_at_once = 1
            self.idle = IdleLines(jobs)
        try:
            run_on_lines(self._lines, jobs, lambda line: UploadWorker(self, line).run())
            self._make_folders()
        finally:
            for work in self.works:
                work.journal.close()
        for work in self.works:
            work.finished(source.path for source in work.sources if source.path not in self._failed)

    def failed(self, planned: Planned, path: str, error: FileshareError) -> None:
        """Tell of a failure; its source stays unfinished. Raises the error where it stops everything."""
        with self._lock:
            self._failed.add(planned.source.path)
        self.tally.failed(path, error)

    def empty_folder(self, planned: Planned) -> None:
        """A folder that no file will bring into being."""
        with self._lock:
            self._folders.append(planned)

    def same_content(self, item: Item) -> Outcome | None:
        """What is stored under the item's path, where that is wanted and has the local file's content."""
        if self._stored is None:
            return None
        with self._lock:
            stored = self._stored.file(item.path)
        if stored is None or stored.size != item.size or isinstance(stored.digest, UnsetType):
            return None
        digest = self._digest(item)
        if digest != stored.digest.lower():
            return None
        return Outcome(
            path=stored.path,
            local=item.local,
            size=stored.size,
            digest=digest,
            version=stored.version or 0,
            skipped="the same content is there already",
        )

    def _digest(self, item: Item) -> str:
        known = self.digests.of(item.local)
        if known is not None:
            return known
        status, total = os.stat(item.local), item.size or 0
        digest = digest_of_file(item.local, lambda count: self.tally.reporter.hashed(item, count, total))
        self.digests.keep(item.local, status, digest)
        return digest

    def _make_folders(self) -> None:
        while self._folders:
            some = [self._folders.popleft() for _ in range(min(len(self._folders), _FOLDERS_AT_ONCE))]
            for planned, error in self._lines.first.persist(partial(_mkdirs, some)):
                self.failed(planned, planned.path, error)


def _mkdirs(some: Sequence[Planned], conversation: Conversation) -> list[tuple[Planned, FileshareError]]:
    """Make folders, pipelined; returns those that could not be made. One that is there is no failure."""
    conversation.tell_all([m.MakeFolder(path=planned.path) for planned in some])
    failed: list[tuple[Planned, FileshareError]] = []
    for planned in some:
        try:
            conversation.expect(m.EntryInfo)
        except FileshareError as error:
            if hopeless(error):
                raise
            failed.append((planned, error))
    return failed
