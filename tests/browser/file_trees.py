"""Folders with what people have and what attackers would have, for the pages of files."""

import struct
import wave
import zlib
from io import BytesIO

from fileshare.domain.model import Caller, Door, OnConflict
from fileshare.services.new_uploads import NewUpload
from tests.services.workshop import Bytes
from tests.web.house import House

EVIL = "<img src=x onerror=alert(1)>.txt"
LONG = "a-very-long-name-without-any-place-to-break-it-" * 5 + "and-its-end.tar.gz"
HEBREW = "דוח שנתי מאוד ארוך עם הרבה מילים בתוך השם שלו 2026 סופי.pdf"
EMOJI = "👩‍👩‍👧‍👦 summer 🏖️.jpg"
SWITCHED = "invoice\u202egpj.exe"
QUOTED = 'what\'s "this" & that?#%41.txt'


def who(house: House, name: str = "anna") -> Caller:
    return Caller(house.known[name], "127.0.0.1", Door.WEB)


async def put(
    house: House, path: str, data: bytes = b"x", *, name: str = "anna", replace: bool = False
) -> None:
    """Store a file, as the door does."""
    conflict = OnConflict.REPLACE if replace else OnConflict.KEEP_BOTH
    writer = await house.world.begin(NewUpload(path, size=len(data), on_conflict=conflict), who(house, name))
    await writer.receive(Bytes([data] if data else []), len(data))
    await writer.finish()


async def folder(house: House, path: str) -> None:
    """An empty folder."""
    await house.world.catalog.make_folder(path, house.world.clock())


def png(width: int, height: int) -> bytes:
    """A picture with a gradient."""
    rows = b"".join(
        b"\0" + b"".join(bytes((x * 255 // width, y * 255 // height, 140)) for x in range(width))
        for y in range(height)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def wav(seconds: int) -> bytes:
    """A sound."""
    out = BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(bytes(128 + (n // 9 % 2) * 20 for n in range(8000 * seconds)))
    return out.getvalue()


SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="120" height="80" onload="alert(1)">'
    b'<script>alert(2)</script><rect width="120" height="80" fill="teal"/></svg>'
)


async def office(house: House) -> None:
    """What a small office has, with versions of a report."""
    for path in ("Contracts", "Photos/2025", "Photos/2026"):
        await folder(house, path)
    for number in range(3):
        text = f"Annual report, draft {number + 1}\n\n" + "We sold more than the year before.\n" * 40
        await put(house, "report.txt", text.encode(), replace=True, name=("anna", "bert", "anna")[number])
    await put(house, "Budget 2026.xlsx", b"PK\x03\x04" + b"\0" * 48_000)
    await put(house, "Minutes of the meeting.docx", b"PK\x03\x04" + b"\0" * 21_000, name="bert")
    await put(house, "beach.png", png(640, 400))
    await put(house, "logo.svg", SVG)
    await put(house, "hymn.wav", wav(2), name="bert")
    await put(house, "clip.mp4", b"\0" * 5_000)
    await put(house, "manual.pdf", b"%PDF-1.7\n" + b"x" * 90_000)
    await put(house, "backup.tar.gz", b"\x1f\x8b" + b"x" * 7_300_000)
    await put(house, "empty.bin", b"")
    await put(house, "Photos/2026/garden.png", png(64, 40))
    await put(house, "Photos/2026/report of the garden.txt", b"Roses.")


async def hostile(house: House) -> None:
    """Names that break pages."""
    await folder(house, f"{LONG[:200]}/{EVIL}")
    for name in (EVIL, LONG, HEBREW, EMOJI, SWITCHED, QUOTED, "عربي.txt", "x" * 255):
        await put(house, name, name.encode())
    await put(house, f"{LONG[:200]}/{EVIL}/{LONG}", b"deep")


async def crowd(house: House) -> None:
    """More than a page of them."""
    for number in range(230):
        await put(house, f"scan-{number:04}.pdf", b"x" * number)
