"""A file that the server has, sent again: no byte of it goes over the line.

Counted by a proxy that reads the frames. Then the same is tried by who knows its SHA-256 and
nothing more: what such a one can compute from digest and nonce, and what was heard before.
"""

import hashlib
import time
from pathlib import Path

from tests.acceptance.report import Row, none_of
from tests.acceptance.stage import Check, Stage
from tests.e2e.inspection import stored
from tests.e2e.line import Line, total
from tests.e2e.rules import Way
from tests.e2e.shells import Shell
from tests.e2e.sources import write_file
from tests.e2e.talk import Version2

MIB = 1 << 20
REQUIRED = 64
"""MiB of the file."""
WORDS = 4096
"""Bytes that may be said in all: hello, login, question and proof."""
SETTLED_SECONDS = 2.5
NAMES = ["again.bin", "claimed-6.bin", "known.bin"]
UNASKED = "a proof without a question"
KNOWN = "the answer to this nonce"
KINDS = (
    "the digest itself", "the nonce itself", "nonce and digest", "the digest with the nonce behind it",
    "the answer to an older nonce", UNASKED,
)  # fmt: skip


class KnownFile(Check):
    """Issue 4's last row. The count is in MiB."""

    name = "known-file"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.server = stage.serve()
        self.size = stage.count(REQUIRED) * MIB
        self.digest = ""

    def run(self) -> list[Row]:
        """Sent once, then again, then claimed."""
        line = self.stage.line(self.server)
        shell = self.stage.shell(line.address)
        source = shell.work / "known.bin"
        self.digest = write_file(source, self.size)
        # The client trusts no clock about a file that has just been written: it would hash it anew.
        time.sleep(SETTLED_SECONDS)
        shell.run("--quiet", "upload", source)
        rows = self._again(line, shell, source)
        claims = [self._claim(number, kind) for number, kind in enumerate(KINDS)]
        rows.append(
            none_of("known by its SHA-256 alone", "claims taken", [*filter(None, claims)], len(KINDS))
        )
        control = self._claim(
            len(KINDS), KNOWN
        )  # a claim is refused for what it lacks, not for how it is made
        rows.append(Row("known by its content: stored", "stored", control[:60], bool(control)))
        names = sorted(stored(self.server.data_dir))
        rows.append(Row("known file: what is stored", ", ".join(NAMES), ", ".join(names), names == NAMES))
        return rows

    def _again(self, line: Line, shell: Shell, source: Path) -> list[Row]:
        """The same file under another name."""
        begun = len(line.links)
        done = shell.run("--quiet", "upload", source, "--name", "again.bin", expect=None)
        links = line.links[begun:]
        body, said = sum(link.body(Way.UP) for link in links), total(links, Way.UP)
        asked = [word for word in ("HAVE", "PROVE") if any(link.heard(word) for link in links)]
        right = stored(self.server.data_dir).get("again.bin") == self.digest
        what = f"{self.size // MIB} MiB that are there, sent again"
        return [
            Row(
                f"{what}: content bytes on the line",
                "0",
                f"{body}, of {said} in all, exit {done.code}",
                body == 0 and said < WORDS and done.code == 0,
            ),
            Row(f"{what}: proof", "HAVE, PROVE", ", ".join(asked), asked == ["HAVE", "PROVE"]),
            Row(f"{what}: digest", "right", "right" if right else "WRONG", right),
        ]

    def _claim(self, number: int, kind: str) -> str:
        """Try it; says how it was taken, nothing where it was refused."""
        with Version2(self.server.address).log_in() as talk:
            nonces = [b"", b""] if kind == UNASKED else [self._nonce(talk), self._nonce(talk)]
            status, data = talk.ask(
                "PROVE",
                upload_id=f"{number:016x}",
                path=f"claimed-{number}.bin",
                digest=self.digest,
                size=self.size,
                proof=self._guess(kind, *nonces),
            )
        return f"{kind}: {data}" if status == "STORED" else ""

    def _nonce(self, talk: Version2) -> bytes:
        status, data = talk.ask("HAVE", digest=self.digest, size=self.size)
        assert status == "OK", (status, data)
        return bytes.fromhex(data["nonce"])

    def _guess(self, kind: str, older: bytes, nonce: bytes) -> str:
        """Anything that can be made without the content; the right answer to another nonce needs it."""
        raw = bytes.fromhex(self.digest)
        match kind:
            case "the digest itself":
                return self.digest
            case "the nonce itself":
                return nonce.hex() or self.digest
            case "the answer to an older nonce":
                return self._answer(older)
            case "the answer to this nonce":
                return self._answer(nonce)
            case "the digest with the nonce behind it":
                return hashlib.sha256(raw + nonce).hexdigest()
            case _:
                return hashlib.sha256(nonce + raw).hexdigest()

    def _answer(self, nonce: bytes) -> str:
        """What who has the content would have answered to it."""
        keyed = hashlib.sha256(nonce)
        with next((self.server.data_dir / "blobs").glob("*/*")).open("rb") as file:
            while piece := file.read(MIB):
                keyed.update(piece)
        return keyed.hexdigest()
