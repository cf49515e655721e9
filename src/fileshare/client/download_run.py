"""Do the work of a download job: make folders, fetch small files in flocks and large ones by parts.

What fails for one file is told and the others go on; what is there already with the
right content is left alone.
"""

import os
from collections.abc import Sequence

from fileshare.client.download_jobs import (
    Found,
    LocalFolder,
    Unusable,
    mark_of,
    planned,
    stands_there,
)
from fileshare.client.downloads import Downloader, Wanted
from fileshare.client.feed import Feed
from fileshare.client.gets import SMALL, Answer, Gets, Grown
from fileshare.client.idle_lines import IdleLines
from fileshare.client.landing import Landing, sweep
from fileshare.client.line import Line, Lines
from fileshare.client.local_folders import LocalFolders
from fileshare.client.part_sinks import Parts
from fileshare.client.parts import local_error
from fileshare.client.rate import Rate
from fileshare.client.reports import Outcome
from fileshare.client.state import DownloadJob, State
from fileshare.client.tally import Tally
from fileshare.client.workers import run_on_lines
from fileshare.domain import names
from fileshare.errors import Conflict, FileshareError
from fileshare.wire import messages as m


class DownloadRun:
    """One run of a job. `resume`: go on with the parts of earlier runs."""

    def __init__(
        self,
        job: DownloadJob,
        roots: Sequence[m.EntryInfo],
        lines: Lines,
        *,
        rate: Rate,
        tally: Tally,
        state: State,
        resume: bool,
    ) -> None:
        self.job = job
        self.rate = rate
        self.tally = tally
        self.journal = state.journal(job)
        self.parts = Parts(state, job.server, tally.reporter, resume=resume)
        folders = any(root.kind == "folder" for root in roots)
        listings = lines.line() if folders and job.recursive else lines.first
        self.feed: Feed[Found] = Feed(planned(job, roots, listings), _size, tally.reporter)
        self.place = job.output if job.into_folder else os.path.dirname(job.output)
        """The folder that holds all that is fetched."""
        self.went_on = len(self.journal) > 0
        self.idle: IdleLines | None = None
        self._lines = lines
        self._state = state
        if resume:
            sweep(self.place, job.id)

    def run(self, jobs: int = 1) -> None:
        """Do it all on so many connections. Raises what stops everything; see `tally` for single files."""
        self.idle = IdleLines(jobs) if jobs > 1 else None
        try:
            run_on_lines(self._lines, jobs, lambda line: _Worker(self, line).run())
        finally:
            self.journal.close()
        if not self.tally.errors:
            self._state.drop_job(self.job)


def _size(found: Found) -> int | None:
    return found.size if isinstance(found, Wanted) else None


class _Worker:
    """What one connection does of a run."""

    def __init__(self, run: DownloadRun, line: Line) -> None:
        self._run = run
        self._reporter = run.tally.reporter
        self._landing = Landing(run.place, run.job.id)
        self._folders = LocalFolders(self._landing.made)
        self._gets = Gets(line, run.rate, self._reporter, self._landing, self._answered)
        self._downloader = Downloader(line, run.rate, self._reporter, run.parts, run.idle)
        self._line = line
        self._large: list[Wanted] = []

    def run(self) -> None:
        """Until the feed is empty and everything taken from it is under its name; then help the others."""
        try:
            self._run_own()
        finally:
            if self._run.idle is not None:
                self._run.idle.leave()
        if self._run.idle is not None:
            self._run.idle.lend(self._line)

    def _run_own(self) -> None:
        try:
            while (found := self._run.feed.take()) is not None:
                self._handle(found)
                self._fetch_large()
            self._gets.finish()
            self._fetch_large()
        finally:
            self._landing.close()

    def _handle(self, found: Found) -> None:
        if isinstance(found, Unusable):
            self._run.tally.failed(found.path, found.error)
        elif isinstance(found, LocalFolder):
            self._make_folder(found)
        else:
            self._file(found)

    def _make_folder(self, folder: LocalFolder) -> None:
        try:
            self._folders.make(folder.target)
        except FileExistsError:
            error: FileshareError = Conflict(f"{folder.target!r} is a file here, and a folder on the server.")
            self._run.tally.failed(folder.target, error)
        except OSError as refused:
            self._run.tally.failed(folder.target, local_error(folder.target, refused))

    def _file(self, wanted: Wanted) -> None:
        folder, _, name = wanted.target.rpartition(os.sep)
        if names.name_of(wanted.path) != name and self._run.job.into_folder:
            self._reporter.note(f"{wanted.path} is saved as {wanted.target}: this system can't hold the name")
        try:
            if self._was_finished(wanted):
                self._run.tally.finished_before()
                return
            if not self._folders.is_new(folder) and stands_there(wanted):
                self._run.tally.done(wanted.item, _already_there(wanted))
                return
            self._folders.make(folder)
        except FileshareError as error:
            self._run.tally.failed(wanted.path, error)
        except OSError as refused:
            self._run.tally.failed(wanted.path, local_error(wanted.target, refused))
        else:
            self._fetch(wanted)

    def _was_finished(self, wanted: Wanted) -> bool:
        """By an earlier run, and nobody touched it since as far as its size tells."""
        if not self._run.went_on or mark_of(self._run.job, wanted) not in self._run.journal:
            return False
        return os.path.isfile(wanted.target) and os.path.getsize(wanted.target) == wanted.size

    def _fetch(self, wanted: Wanted) -> None:
        if wanted.size <= SMALL:
            self._gets.add(wanted)
        else:
            self._large.append(wanted)

    def _answered(self, answers: list[Answer]) -> None:
        done: list[tuple[Wanted, Outcome]] = []
        for wanted, result in answers:
            if isinstance(result, Outcome):
                done.append((wanted, result))
            elif isinstance(result, Grown):
                self._large.append(wanted)
        self._done(done)
        for wanted, result in answers:
            if isinstance(result, FileshareError):
                self._run.tally.failed(wanted.path, result)

    def _done(self, done: list[tuple[Wanted, Outcome]]) -> None:
        for wanted, _ in done:
            self._run.journal.add(mark_of(self._run.job, wanted))
        self._run.journal.flush()
        for wanted, outcome in done:
            self._run.tally.done(wanted.item, outcome)

    def _fetch_large(self) -> None:
        if not self._large:
            return
        self._gets.finish()
        while self._large:
            wanted = self._large.pop(0)
            try:
                outcome = self._downloader.fetch(wanted)
            except FileshareError as error:
                self._run.tally.failed(wanted.path, error)
            else:
                self._done([(wanted, outcome)])


def _already_there(wanted: Wanted) -> Outcome:
    return Outcome(
        path=wanted.path,
        local=wanted.target,
        size=wanted.size,
        digest=wanted.digest,
        version=wanted.version or 0,
        skipped="already there",
    )
