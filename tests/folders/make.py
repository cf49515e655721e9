"""Write a small data folder of today's format, for the suite to open for ever after.

Run once at the end of a release: `python -m tests.folders.make NAME` makes `NAME.tar.gz` beside
this file. Holds two accounts, small and large contents, versions, the trash, and an upload
of each protocol version and of tus that is half done. Nothing that stands here is ever made anew.
"""

import hashlib
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.e2e.inspection import half_done
from tests.e2e.patience import wait_until
from tests.e2e.servers import Server
from tests.e2e.talk import Version1, Version2
from tests.e2e.tus import Tus, web_address

HERE = Path(__file__).parent
USER, PASSWORD = "anna", "a password of anna's"
UPLOAD_ID = "0123456789abcdef0123456789abcdef"


def pattern(name: str, size: int) -> bytes:
    """Bytes that follow from the name alone, and compress well enough to be kept."""
    block = hashlib.sha256(name.encode()).digest() * 32
    return (block * (size // len(block) + 1))[:size]


CURRENT = {
    "notes.txt": pattern("notes 2", 900),
    "notes_v2.txt": pattern("notes, somebody else's", 700),
    "photos/2026/sea.raw": pattern("sea", 300_000),
    "photos/2026/sea copy.raw": pattern("sea", 300_000),
    "photos/empty": b"",
    "Grüße/日本語.txt": pattern("names", 40_000),
}
OLD_VERSION = pattern("notes 1", 800)
HALF1 = pattern("half done by version 1", 400_000)
HALF2 = pattern("half done by version 2", 500_000)
HALF3 = pattern("half done by tus", 600_000)
SENT1, SENT2, SENT3 = 100_000, 250_000, 150_000


def fill(server: Server) -> None:
    """Put everything in through the doors."""
    assert server.run("user", "add", USER, "--password-stdin", stdin=PASSWORD + "\n").returncode == 0
    with Version1(server.address).log_in() as talk:
        talk.upload("notes.txt", OLD_VERSION)
        for path, data in CURRENT.items():
            talk.upload(path if path != "notes_v2.txt" else "notes.txt", data, overwrite=path == "notes.txt")
        talk.upload("deleted.txt", pattern("deleted", 40_000))
    with Version2(server.address).log_in() as talk2:
        talk2.ask("MKDIR", path="an empty folder")
        talk2.ask("DELETE", path="deleted.txt")
    halves(server)


def halves(server: Server) -> None:
    """Three uploads that somebody will finish one day."""
    old = Version1(server.address).log_in(USER, PASSWORD)
    old.begin("half1.bin", HALF1)
    old.send_chunks(HALF1, 0, SENT1)
    new = Version2(server.address).log_in(USER, PASSWORD)
    new.begin(UPLOAD_ID, "half2.bin", size=len(HALF2))
    new.send_data(HALF2[:SENT2])
    browser = Tus(web_address(server))
    browser.patch(browser.create("half3.bin", len(HALF3), note="kept word for word"), 0, HALF3[:SENT3])
    sent = {SENT1, SENT2, SENT3}
    wait_until("all arrived", lambda: {row[2] for row in half_done(server.data_dir)} == sent)
    server.stop()
    old.close()
    new.close()


def main(name: str) -> None:
    """Make the archive."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "data"
        fill(Server(folder, {"bcrypt_cost": 4, "drain_seconds": 1}).start())
        for kept_aside in ("logs", "reserve", "lock", "admin.sock"):
            path = folder / kept_aside
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        with tarfile.open(HERE / f"{name}.tar.gz", "w:gz") as archive:
            archive.add(folder, "data")


if __name__ == "__main__":
    main(sys.argv[1])
