"""How often an upload may be asked to go on without a new byte: a client in a loop is stopped.

Each such request costs a look at the database and a sync; one that brings a byte is work.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from fileshare.services.writer import Writer

MOST_IN_VAIN = 50
"""In a row; a client on a bad line, which is cut before the first byte each time, waits in between."""

MOST_KNOWN = 10_000
"""Uploads whose tries are counted; the oldest is forgotten."""

PAUSE = "60"
"""Seconds told to a client that is stopped."""


class Patience:
    """The tries in vain, by upload."""

    def __init__(self, most: int = MOST_IN_VAIN) -> None:
        self.most = most
        self._in_vain: dict[str, int] = {}

    def check(self, upload_id: str) -> None:
        """Refuse one that has tried too often: 429. The next after that is heard again."""
        if self._in_vain.get(upload_id, 0) >= self.most:
            del self._in_vain[upload_id]
            raise web.HTTPTooManyRequests(
                reason="The upload makes no progress: wait and ask HEAD where it stands",
                headers={"Retry-After": PAUSE},
            )

    @contextmanager
    def watching(self, writer: Writer) -> Iterator[None]:
        """Count a request that ends with no more bytes than there were."""
        before, upload_id = writer.upload.offset, writer.upload.id
        try:
            yield
        finally:
            tries = self._in_vain.pop(upload_id, 0)
            if writer.upload.offset == before:
                self._in_vain[upload_id] = tries + 1
                if len(self._in_vain) > MOST_KNOWN:
                    del self._in_vain[next(iter(self._in_vain))]


PATIENCE: web.AppKey[Patience] = web.AppKey("tus_patience", Patience)
