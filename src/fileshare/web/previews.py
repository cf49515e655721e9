"""What a browser may show of a file on its page, and the text of one that is text.

By the name's ending and, where that says nothing, by the first bytes. Text is decoded here
and shown escaped; everything else goes into an element that runs nothing.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from fileshare.domain.model import Caller, Version
from fileshare.domain.names import name_of
from fileshare.services.files import Files
from fileshare.services.ports import OpenFile
from fileshare.web.disposition import INLINE, UNKNOWN, kind_of

TEXT_LIMIT = 1 << 20
"""Bytes of a text that are shown: some 20,000 lines, which a browser still scrolls through."""

SNIFFED = 8192
"""Bytes that are looked at where the name says nothing, as git does to tell text from other files."""

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


class Shown(StrEnum):
    """As what a file is shown."""

    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    TEXT = "text"
    PDF = "pdf"
    """Not at all: Chromium shows no PDF in a sandbox, and outside one it would run within our origin."""
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file's page shows of it."""

    shown: Shown
    kind: str = ""
    text: str = ""
    cut: bool = False
    """Whether there is more of the text."""


async def preview_of(files: Files, caller: Caller, path: str, version: Version) -> Preview:
    """Read what is needed. Raises as `Files.open` and `Files.send`."""
    kind = kind_of(name_of(path))
    family = kind.partition("/")[0]
    if kind == "application/pdf":
        return Preview(Shown.PDF)
    if kind in INLINE.values() and family != "text":
        return Preview(Shown(family), kind)
    if version.size == 0 or (family != "text" and kind != UNKNOWN):
        return Preview(Shown.NOTHING)
    if family != "text":
        data = await _start(files, caller, path, version, SNIFFED)
        if not is_text(data, cut=version.size > len(data)):
            return Preview(Shown.NOTHING)
    data = await _start(files, caller, path, version, TEXT_LIMIT)
    cut = version.size > len(data)
    return Preview(Shown.TEXT, text=decode(data, cut=cut), cut=cut)


async def _start(files: Files, caller: Caller, path: str, version: Version, limit: int) -> bytes:
    found = await files.open(caller, path, version.number)
    sink = _Memory()
    await files.send(found, 0, min(limit, version.size), sink)
    return bytes(sink.data)


def is_text(data: bytes, *, cut: bool = False) -> bool:
    """Whether these first bytes are text in an encoding that can be told: UTF-8, or UTF-16 by its mark."""
    if any(data.startswith(mark) for mark, _ in _MARKS):
        return True
    return _NO_TEXT.search(data) is None and _as_utf8(data, cut) is not None


def decode(data: bytes, *, cut: bool = False) -> str:
    """A text for reading: by its mark, as UTF-8, and otherwise as Windows writes in the west.

    `cut` tells that more bytes follow, so that the last character may be half of one.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    text = _as_utf8(data, cut)
    return data.decode("cp1252", errors="replace") if text is None else text


def _as_utf8(data: bytes, cut: bool) -> str | None:
    """None when it is not."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        at_end = cut and error.reason == "unexpected end of data"
        return data[: error.start].decode() if at_end else None


class _Memory:
    """A sink that keeps the little that is asked for."""

    def __init__(self) -> None:
        self.data = bytearray()

    async def write(self, data: bytes | memoryview) -> None:
        self.data += data

    async def send_file(self, file: OpenFile, offset: int, count: int) -> None:
        end = offset + count
        while offset < end:
            data = await file.read(offset, end - offset)
            self.data += data
            offset += len(data)
