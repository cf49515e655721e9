"""What one connection does of an upload run: small files in batches, large ones by themselves.

A file is noted as finished before it is told of, so that a kill in between costs at most
a question to the server.
"""

import hashlib
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from fileshare.client.conversation import Conversation
from fileshare.client.folders import FoundFile, FoundFolder, LeftOut
from fileshare.client.line import Line
from fileshare.client.piece_uploads import FEATURE, LARGE, Moved, PieceUpload
from fileshare.client.proofs import WORTH, prove
from fileshare.client.puts import Answer, Puts, Small
from fileshare.client.reports import Item, Outcome
from fileshare.client.sources import FileSource
from fileshare.client.tally import hopeless
from fileshare.client.upload_jobs import Planned
from fileshare.client.uploads import Sending, Uploader
from fileshare.errors import Conflict, FileshareError, NotFound
from fileshare.wire import messages as m

if TYPE_CHECKING:
    from fileshare.client.upload_run import UploadRun


class UploadWorker:
    """What one connection does of a run."""

    def __init__(self, run: "UploadRun", line: Line) -> None:
        self._run = run
        self._line = line
        self._reporter = run.tally.reporter
        resumed = any(work.resumed for work in run.works)
        self._puts = Puts(line, run.rate, self._reporter, run.on_conflict, self._answered, resumed=resumed)
        self._uploader = Uploader(line, run.rate, self._reporter)
        self._small: dict[str, Planned] = {}
        self._large: list[tuple[Planned, FoundFile, Item]] = []

    def run(self) -> None:
        """Until the feed is empty and everything taken from it is answered; then help the others."""
        idle = self._run.idle
        try:
            self._run_own()
        finally:
            if idle is not None:
                idle.leave()
        if idle is not None:
            idle.lend(self._line)

    def _run_own(self) -> None:
        limits = self._line.persist(lambda conversation: conversation.limits)
        while (planned := self._run.feed.take()) is not None:
            self._handle(planned, limits)
            if len(self._large) >= self._run.large_at_once:
                self._send_large()
        self._send_large()

    def _handle(self, planned: Planned, limits: m.Limits) -> None:
        found = planned.found
        try:
            if isinstance(found, FoundFile):
                self._file(planned, found, limits)
            elif isinstance(found, FoundFolder):
                if found.empty and planned.path:
                    self._run.empty_folder(planned)
            elif isinstance(found, LeftOut):
                self._left_out(planned, found)
            else:
                self._run.failed(planned, planned.source.path, found)
        except FileshareError as error:
            if hopeless(error):
                raise
            self._run.failed(planned, getattr(found, "path", planned.source.path), error)

    def _left_out(self, planned: Planned, found: LeftOut) -> None:
        if found.failed:
            self._run.failed(planned, found.path, FileshareError(f"{found.path!r} {found.reason}."))
        else:
            self._reporter.note(f"{found.path} {found.reason}: left out")

    def _file(self, planned: Planned, found: FoundFile, limits: m.Limits) -> None:
        upload_id = planned.upload_id(found)
        if upload_id in planned.work.journal:
            self._run.tally.finished_before()
            return
        item = Item(direction="upload", path=planned.path, local=found.path, size=found.identity.size)
        same = self._run.same_content(item)
        if same is not None:
            self._run.tally.done(item, same)
        elif found.identity.size <= limits.put_size:
            self._small[upload_id] = planned
            modified = found.identity.mtime_ns / 1e9
            self._puts.add(
                Small(item=item, upload_id=upload_id, identity=found.identity, modified=modified), limits
            )
        else:
            self._large.append((planned, found, item))

    def _answered(self, answers: list[Answer]) -> None:
        known = [(self._small.pop(small.upload_id), small, answer) for small, answer in answers]
        for planned, small, answer in known:  # first what must not be lost
            if isinstance(answer, Outcome):
                planned.work.journal.add(small.upload_id)
        for work in {id(planned.work): planned.work for planned, _, _ in known}.values():
            work.journal.flush()
        for planned, small, answer in known:
            if isinstance(answer, Outcome):
                self._run.tally.done(small.item, answer)
            else:
                self._run.failed(planned, small.item.local, answer)

    def _send_large(self) -> None:
        self._puts.finish()
        waiting, self._large = self._large, []
        for planned, found, item in waiting:
            try:
                self._forget_older(planned, found)
                outcome = self._send(planned, found, item)
            except FileshareError as error:
                self._run.failed(planned, found.path, error)
                continue
            planned.work.journal.add(planned.upload_id(found))
            planned.work.journal.flush()
            self._run.tally.done(item, outcome)

    def _send(self, planned: Planned, found: FoundFile, item: Item) -> Outcome:
        sending = Sending(
            item=item,
            upload_id=planned.upload_id(found),
            on_conflict=self._run.on_conflict,
            modified=found.identity.mtime_ns / 1e9,
        )
        source = FileSource(
            found.path,
            found.identity,
            lambda count, total: self._reporter.hashed(item, count, total),
            self._run.digests.begun,
        )
        try:
            return self._prove(planned, sending, source) or self._send_bytes(planned, sending, source)
        finally:
            source.close()

    def _prove(self, planned: Planned, sending: Sending, source: FileSource) -> Outcome | None:
        """Without its bytes, where its digest is known and nothing of it was sent before."""
        if planned.work.resumed or source.size < WORTH:
            return None
        digest = self._run.digests.of(sending.item.local)
        return prove(self._line, self._reporter, sending, source, digest) if digest else None

    def _send_bytes(self, planned: Planned, sending: Sending, source: FileSource) -> Outcome:
        status = os.stat(sending.item.local)
        before = self._send_pieces(planned, sending, source)
        outcome = self._uploader.send(sending, source)
        if before is not None:
            outcome = replace(outcome, moved=outcome.moved + before.moved, resumed_from=before.there)
        self._run.digests.keep(sending.item.local, status, outcome.digest)
        self._run.digests.begun.drop(source.identity)
        return outcome

    def _send_pieces(self, planned: Planned, sending: Sending, source: FileSource) -> Moved | None:
        """All but the end, where several connections are faster or an earlier run has begun so."""
        journal, mark = planned.work.journal, _mark_of_pieces(sending.upload_id)
        idle, begun = self._run.idle, mark in journal
        wanted = idle is not None and self._run.rate.limit is None and source.size >= LARGE
        if not (wanted or begun) or not self._line.persist(_takes_pieces):
            return None
        if not begun:
            journal.add(mark)
            journal.flush()
        connections = idle.workers if idle is not None else 1
        return PieceUpload(self._reporter, sending, source, connections).send(self._line, idle)

    def _forget_older(self, planned: Planned, found: FoundFile) -> None:
        """A source that changed since it was half uploaded begins anew; the server may forget the half."""
        older = planned.work.older(planned, found)
        if older is None:
            return
        self._reporter.note(f"{found.path} changed since it was half uploaded: it begins anew")
        with suppress(NotFound, Conflict):  # swept, or stored after all
            self._line.ask(m.Abort(upload_id=older), m.Done)
        planned.work.note_identity(planned, found.identity)


def _takes_pieces(conversation: Conversation) -> bool:
    return FEATURE in conversation.features


def _mark_of_pieces(upload_id: str) -> str:
    """The journal's mark that an upload was begun in pieces, which any later run then looks for."""
    return hashlib.sha256(f"pieces\0{upload_id}".encode()).hexdigest()[:32]
