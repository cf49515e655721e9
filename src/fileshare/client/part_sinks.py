"""Which part a download goes on with, and its record in the state folder.

A part is gone on with only where its record says that it is the beginning of this very
content; anything else that lies there is kept aside and named, or, where it isn't ours,
left alone.
"""

import os
from types import TracebackType
from typing import TYPE_CHECKING

from msgspec.structs import replace

from fileshare.client.follower import Told
from fileshare.client.parts import PartFile, keep_aside, part_path
from fileshare.client.reports import Reporter
from fileshare.client.state import PartRecord, State
from fileshare.wire import messages as m

if TYPE_CHECKING:
    from fileshare.client.downloads import Wanted


class PartSink:
    """A part with its record. Leaving its context keeps both, unless `finish` or `discard` came before."""

    def __init__(
        self, state: State, record: PartRecord, reporter: Reporter, told: Told, *, new: bool
    ) -> None:
        self._state = state
        self._record = record
        self._reporter = reporter
        self._told = told
        self._part = PartFile(record.part, new=new, told=told)
        self.from_earlier = self._part.offset > 0
        """Whether its beginning was written by an earlier run."""
        self._done = False
        self._save()

    @property
    def path(self) -> str:
        """Where the part lies."""
        return self._part.path

    @property
    def offset(self) -> int:
        """See Sink."""
        return self._part.offset

    @property
    def belongs_to(self) -> str:
        """See Sink."""
        return self._record.digest

    def begin_anew(self, begin: m.DownloadBegin) -> None:
        """Keep what there is aside, where there is any, and begin with the new content."""
        self._part.close()
        if self._part.offset:
            aside = keep_aside(self.path)
            self._reporter.note(
                f"{begin.path} changed on the server: it begins anew; the old part is {aside}"
            )
        else:
            os.unlink(self.path)
        self._record = replace(
            self._record,
            digest=begin.digest.lower(),
            size=begin.size,
            version=begin.version,
            modified=begin.modified,
        )
        self._open_new()

    def begin_whole(self) -> None:
        """Throw away what there is and begin with the same content."""
        self._part.close()
        os.unlink(self.path)
        self._open_new()

    def _open_new(self) -> None:
        self._part = PartFile(self._record.part, new=True, told=self._told)
        self.from_earlier = False
        self._save()

    def room(self) -> memoryview:
        """See Sink."""
        return self._part.room()

    def write(self, data: memoryview) -> None:
        """See Sink."""
        self._part.write(data)

    def digest(self) -> str:
        """See Sink."""
        return self._part.digest()

    def finish(self, target: str, *, replace: bool) -> None:
        """Durable and under its name on return. Raises Conflict, StorageFailed."""
        self._part.finish(target, self._record.modified, replace=replace)
        self._state.drop_part(self.path)
        self._done = True

    def discard(self) -> None:
        """Delete the part and its record: nobody can use it."""
        self._part.close()
        os.unlink(self.path)
        self._state.drop_part(self.path)
        self._done = True

    def _save(self) -> None:
        self._state.save_part(replace(self._record, offset=self._part.offset))

    def __enter__(self) -> "PartSink":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._part.close()
        if not self._done:
            self._save()


class Parts:
    """Finds or makes the part of each download of a command."""

    def __init__(self, state: State, server: str, reporter: Reporter, *, resume: bool) -> None:
        """`resume`: go on with parts of earlier runs, rather than keep them aside."""
        self._state = state
        self._server = server
        self._reporter = reporter
        self._resume = resume

    def open(self, wanted: "Wanted") -> PartSink:
        """The part to write to, empty or with what an earlier run fetched. Raises FileshareError."""
        part, known = self._choose(wanted)
        record = PartRecord(
            server=self._server,
            path=wanted.path,
            version=wanted.version or 0,
            digest=wanted.digest,
            size=wanted.size,
            modified=wanted.modified,
            part=part,
            target=wanted.target,
        )
        item = wanted.item
        return PartSink(
            self._state,
            record,
            self._reporter,
            lambda count, total: self._reporter.hashed(item, count, total),
            new=known is None,
        )

    def _choose(self, wanted: "Wanted") -> tuple[str, PartRecord | None]:
        """A free path for a new part, or the path and record of the one to go on with."""
        number = 1
        while True:
            part = part_path(wanted.target, number)
            known = self._state.part(part)
            if not os.path.lexists(part):
                return part, None
            if known is not None:
                return self._old(wanted, part, known)
            number += 1  # a file of the user's that merely looks like a part stays where it is

    def _old(self, wanted: "Wanted", part: str, known: PartRecord) -> tuple[str, PartRecord | None]:
        same = (known.server, known.path) == (self._server, wanted.path)
        fits = os.path.getsize(part) <= known.size and not os.path.islink(part)
        if self._resume and same and fits and known.digest == wanted.digest:
            return part, known
        aside = keep_aside(part)
        changed = self._resume and same and known.digest != wanted.digest
        why = f"{wanted.path} changed on the server: it begins anew; the" if changed else "an"
        self._reporter.note(f"{why} old part is kept as {aside}")
        return part, None
