"""The line is cut at random bytes, in both directions, under the real client and under one of version 1.

What the server had read from its socket is not asked of the server. Behind a FIN it
must read everything that had passed. Before a RST the line computes a lower bound
from the kernel: bytes its own socket has had acknowledged, less those that lie
unread in the server's receive queue (/proc/net/tcp), looked up in that order. A
stalled line is taken over by a newcomer, who must find all that had passed.
"""

import contextlib
from hashlib import sha256
from itertools import pairwise

from tests.acceptance.report import Row, none_of
from tests.acceptance.stage import Check, Stage, nothing_left
from tests.e2e.inspection import digest_of, stored
from tests.e2e.line import Link
from tests.e2e.rules import AfterBytes, Fault, Way
from tests.e2e.sources import content, write_file
from tests.e2e.talk import Version1

MIB = 1 << 20
REQUIRED = 200
UNREACHED = 6
"""The client's exit code for a network error."""


class NetworkCuts(Check):
    """Issue's fourth point, the second half."""

    name = "network-cuts"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.resumed = self.again = self.again_down = self.downloads = 0
        self.wrong: list[str] = []
        self.behind: list[str] = []
        self.unreported: list[str] = []
        self.server = stage.serve()
        self.line = stage.line(self.server)
        self.plain = stage.line(self.server, tapped=False)
        self.shell = stage.shell(self.line.address)

    def run(self) -> list[Row]:
        """Uploads by both kinds of client, and downloads, in turn."""
        wanted = self.stage.count(REQUIRED)
        ways = [self._upload, self._version1, self._upload, self._download]
        for number in range(wanted):
            ways[number % len(ways)](number)
            self.stage.say(f"{number + 1} of {wanted} cuts, {self.resumed} uploads went on amid the bytes")
        what = "line cut"
        up, down = f"{self.again} in {self.resumed} resumes", f"{self.again_down} in {self.downloads} resumes"
        return [
            none_of(f"{what}: right digest and name", "failures", self.wrong, wanted),
            none_of(f"{what}: resumed below what the server had read", "cases", self.behind, self.resumed),
            Row(f"{what}: upload, bytes the server read twice", "0", up, not self.again),
            Row(f"{what}: download, bytes that arrived twice", "0", down, not self.again_down),
            none_of(f"{what}: bytes_sent covers what passed", "wrong reports", self.unreported, wanted),
            nothing_left(f"{what}: left over", self.server),
        ]

    def _cut(self, size: int, *faults: Fault) -> AfterBytes:
        """Mostly in the direction of the bytes, sometimes in the other."""
        return AfterBytes(Way.UP, self.stage.chance.randint(1, size + 1500), self.stage.chance.choice(faults))

    def _size(self) -> int:
        return self.stage.chance.randint(2 * MIB, 16 * MIB)

    def _upload(self, number: int) -> None:
        size = self._size()
        source = self.shell.work / f"{number}.bin"
        digest = write_file(source, size, seed=number)
        known = len(self.line.links)
        cut = self._cut(size, Fault.RESET, Fault.CLOSE)
        if self.stage.chance.random() < 0.25:
            cut = AfterBytes(Way.DOWN, self.stage.chance.randint(0, 1000), cut.fault)
        self.line.replan(cut)
        done = self.shell.upload(source, expect=None)
        if done.code == UNREACHED and not self.line.links[-1].heard("READY"):
            # Cut before the server had said a word: the client does not insist on one that never answered.
            done = self.shell.upload(source, expect=None)
        if done.code or stored(self.server.data_dir).get(source.name) != digest:
            self.wrong.append(f"{source.name} ended with {done.code}: {done.out[-300:]} {done.err[-300:]}")
            return
        links = [link for link in self.line.links[known:] if link.heard("READY")]
        for before, after in pairwise(links):
            offset = after.heard("READY")[0]["offset"]
            start = before.heard("READY")[0]["offset"]
            self._compare(start + _read(before), offset, source.name)
        sent = done.of("done")[0]["bytes_sent"]
        if sent < sum(link.body(Way.UP) for link in links):
            self.unreported.append(f"{source.name}: {sent}")
        source.unlink()

    def _compare(self, read: int, offset: int, name: str) -> None:
        self.resumed += 1
        self.again += max(0, read - offset)
        if offset < read:
            self.behind.append(f"{name} resumed at {offset}, the server had read {read}")

    def _version1(self, number: int) -> None:
        """8 KiB chunks, and a newcomer on a line of its own who resumes by name and digest."""
        data = content(self._size(), seed=number)
        name = f"{number}.bin"
        self.plain.replan(self._cut(len(data), Fault.RESET, Fault.CLOSE, Fault.STALL))
        talk = Version1(self.plain.address, seconds=2)
        asked = self._send_until_cut(talk, name, data)
        link = self.plain.links[-1]
        with Version1(self.server.address).log_in() as newcomer:
            if asked is None:
                stored_as = newcomer.upload(name, data)["filename"]
            else:
                offset, final = newcomer.finish_upload(name, data)
                self._compare(_passed(link, asked), offset, name)
                stored_as = final["filename"]
        talk.close()
        link.close()
        if stored_as != name or stored(self.server.data_dir)[name] != sha256(data).hexdigest():
            self.wrong.append(f"{name} became {stored_as}")

    @staticmethod
    def _send_until_cut(talk: Version1, name: str, data: bytes) -> int | None:
        """The bytes in front of the body, or None when the server had not yet said `ready`."""
        asked = None
        with contextlib.suppress(OSError):
            talk.log_in().begin(name, data)
            asked = talk.sent
            talk.send_chunks(data)
            talk.stored()
        return asked

    def _download(self, number: int) -> None:
        size = self._size()
        source = self.shell.work / f"{number}.bin"
        digest = write_file(source, size, seed=number)
        self.shell.run("upload", source)
        known = len(self.line.links)
        fault = self.stage.chance.choice([Fault.RESET, Fault.CLOSE])
        self.line.replan(AfterBytes(Way.DOWN, self.stage.chance.randint(1, size + 1500), fault))
        target = self.shell.home / f"back{number}.bin"
        words = ("--json", "download", source.name, "--output", target)
        done = self.shell.run(*words, expect=None)
        if done.code == UNREACHED and not self.line.links[-1].heard("DOWNLOAD"):
            done = self.shell.run(*words, expect=None)
        if done.code or digest_of(target) != digest:
            self.wrong.append(f"{source.name} ended with {done.code}: {done.out[-300:]} {done.err[-300:]}")
            return
        links = self.line.links[known:]
        self.downloads += len(links) > 1
        if fault is Fault.CLOSE:
            self.again_down += max(0, sum(link.body(Way.DOWN) for link in links) - size)
        target.unlink()
        source.unlink()


def _read(link: Link) -> int:
    """Body bytes that the server had read of a connection of the real client, at the least."""
    return _passed(link, link.passed(Way.UP) - link.body(Way.UP))


def _passed(link: Link, in_front: int) -> int:
    """The same, where `in_front` bytes were not of the body."""
    passed = link.server_had_read if link.was_reset else link.passed(Way.UP)
    return max(0, passed - in_front)
