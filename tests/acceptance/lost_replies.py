"""Replies that are lost between commit and client: through UPLOAD, RESUME and a folder job.

The line reads the server's answers, drops the one that tells of a commit and resets
the connection; so the commit has happened and the client does not know.
"""

import contextlib
from hashlib import sha256

from tests.acceptance.report import Row, none_of
from tests.acceptance.stage import Check, Stage, nothing_left
from tests.e2e.inspection import stored
from tests.e2e.patience import wait_until
from tests.e2e.rules import LoseMessage, Way
from tests.e2e.sources import content, write_file, write_tree
from tests.e2e.talk import Version1

MIB = 1 << 20
REQUIRED = 200
LOST_PER_FOLDER = 3


class LostReplies(Check):
    """Issue's fifth point."""

    name = "lost-replies"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.lost = {"UPLOAD": 0, "RESUME": 0, "folder": 0}
        self.wrong: list[str] = []
        self.sent_again = 0
        self.expected: dict[str, str] = {}
        self.server = stage.serve()
        self.line = stage.line(self.server)
        self.plain = stage.line(self.server, tapped=False)
        self.shell = stage.shell(self.line.address)

    def run(self) -> list[Row]:
        """A folder now and then, UPLOAD and RESUME in turn."""
        wanted, number = self.stage.count(REQUIRED), 0
        while sum(self.lost.values()) < wanted:
            [self._upload, self._resume, self._folder, self._upload, self._resume][number % 5](number)
            number += 1
            self.stage.say(f"{sum(self.lost.values())} of {wanted} replies lost")
        found = stored(self.server.data_dir)
        false = sorted(set(found) - set(self.expected))
        missing = sorted(path for path, digest in self.expected.items() if found.get(path) != digest)
        lost = sum(self.lost.values())
        by = ", ".join(f"{count} by {how}" for how, count in self.lost.items())
        what = "reply lost"
        return [
            Row(
                f"{what}: how many", f"{wanted}", f"{lost} ({by})", lost >= wanted and all(self.lost.values())
            ),
            none_of(f"{what}: the first answer comes again", "other answers", self.wrong, lost),
            none_of(f"{what}: false `_v2`", "files that nobody asked for", false, len(found)),
            none_of(f"{what}: every file there and right", "missing", missing, len(self.expected)),
            Row(f"{what}: bytes sent again", "0", str(self.sent_again), not self.sent_again),
            nothing_left(f"{what}: left over", self.server),
        ]

    def _upload(self, number: int) -> None:
        size = self.stage.chance.choice([0, 100, 50_000, MIB, 5 * MIB])
        source = self.shell.work / f"{number}.bin"
        self.expected[source.name] = write_file(source, size, seed=number)
        rule = LoseMessage(frozenset({"STORED", "RESULTS"}))
        known = len(self.line.links)
        self.line.replan(rule)
        done = self.shell.upload(source, expect=None)
        answers = [data["path"] for data in done.of("done")]
        if rule.lost is None or done.code or answers != [source.name]:
            self.wrong.append(
                f"{source.name}: {answers}, exit {done.code}, lost {rule.lost} {done.err[-300:]}"
            )
        self.lost["UPLOAD"] += rule.lost is not None
        if size > MIB // 2:
            self.sent_again += sum(link.body(Way.UP) for link in self.line.links[known:]) - size

    def _resume(self, number: int) -> None:
        """By hand in version 1: the answer to UPLOAD is lost, then the one to RESUME, then it comes."""
        data = content(self.stage.chance.choice([0, 5000, MIB]), seed=number)
        name = f"{number}.bin"
        self.expected[name] = sha256(data).hexdigest()
        self._lose(name, data, resuming=False)
        if data:
            # Nothing precedes the answer where nothing is to send: then there is no RESUME to lose.
            self._lose(name, data, resuming=True)
        with Version1(self.server.address).log_in() as talk:
            start, final = talk.finish_upload(name, data)
        if (start, final["filename"], final["size"]) != (len(data), name, len(data)):
            self.wrong.append(f"{name}: {start} {final}")

    def _lose(self, name: str, data: bytes, *, resuming: bool) -> None:
        rule = LoseMessage(frozenset({"OK"}), holding="filename")
        self.plain.replan(rule)
        with Version1(self.plain.address).log_in() as talk, contextlib.suppress(OSError):
            if resuming:
                talk.finish_upload(name, data)
            else:
                talk.upload(name, data)
        wait_until("the reply is lost", lambda: rule.lost is not None)
        self.lost["RESUME" if resuming else "UPLOAD"] += 1

    def _folder(self, number: int) -> None:
        folder = self.shell.work / f"folder{number}"
        files = write_tree(folder, folders=4, files=400, size=4096, seed=number)
        files |= {"big.bin": write_file(folder / "big.bin", 2 * MIB, seed=number)}
        self.expected |= {f"{folder.name}/{path}": digest for path, digest in files.items()}
        rules = [LoseMessage(frozenset({"STORED", "RESULTS"})) for _ in range(LOST_PER_FOLDER)]
        self.line.replan(*rules)
        done = self.shell.upload("--recursive", folder, expect=None)
        if done.code:
            self.wrong.append(f"{folder.name}: exit {done.code} {done.err[-300:]}")
        self.lost["folder"] += sum(rule.lost is not None for rule in rules)
