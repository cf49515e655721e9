"""A benchmark from start to end: servers up, every step of the plan measured, servers down whatever happens.

It must not delete a tree before the last run: ext4 looks through freshly freed inodes for minutes afterwards,
at the cost of whoever creates files next. Large files, one inode each, go at the end of their run.
"""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks import measure, memory, processes, sources
from benchmarks.peer import Command, Peer
from benchmarks.plan import Content, Load, Step, Work, steps
from benchmarks.report import Contestant, Sample

# Every command does its work once in small before anything is measured: what is broken shows at once.
REHEARSAL = Load(size=1 << 20, files=20, file_size=4096, folders=4, many=20, many_size=1 << 16)

# A run fills the page cache with one copy, and often with a temporary one beside it.
_COPIES = 2


@dataclass
class Contest:
    """Peers with running servers, and one work folder for everything that is written."""

    folder: Path
    timeout: float
    peers: dict[str, Peer] = field(default_factory=dict)
    contestants: list[Contestant] = field(default_factory=list)

    def rehearse(self, only: Sequence[Work]) -> None:
        """Let every peer do each of these kinds of work once, in small."""
        load = replace(REHEARSAL, only=tuple(only))
        self._play("rehearsal", load, 1, lambda _: None)

    def play(self, load: Load, runs: int, note: Callable[[Sample], None]) -> None:
        """Measure all runs, and hand over each sample at once."""
        self._play("runs", load, runs, note)

    def _play(self, name: str, load: Load, runs: int, note: Callable[[Sample], None]) -> None:
        stage = Stage(self, self.folder / name, load)
        able = {name: peer.works for name, peer in self.peers.items()}
        for run in range(runs):
            for step in steps(run, load.works(), able):
                note(stage.play(step))
            stage.clear()


@contextmanager
def contest(classes: Sequence[type[Peer]], folder: Path, timeout: float) -> Iterator[Contest]:
    """Start every peer's server, and stop them all at the end; raises ServerFailed."""
    with ExitStack() as stack:
        running = Contest(folder, timeout)
        for peer_class in classes:
            peer = peer_class(folder / peer_class.name)
            stack.callback(peer.stop)
            started = time.perf_counter()
            peer.start()
            running.peers[peer.name] = peer
            running.contestants.append(_contestant(peer, time.perf_counter() - started))
        yield running


class Stage:
    """The sources of one load, and where their copies go."""

    def __init__(self, contest: Contest, folder: Path, load: Load) -> None:
        self._contest = contest
        self._folder = folder
        self._load = load
        self._marked: dict[Content, tuple[int, Work]] = {}
        self._marked_at = 0.0
        self._stored: dict[tuple[str, str], Content] = {}
        self._fetched: list[Path] = []
        self._sources = sources.make(folder, load)

    def play(self, step: Step) -> Sample:
        """Measure one step; raises CommandFailed and WrongContent."""
        peer = self._contest.peers[step.peer]
        source = self._sources[step.work.content]
        self._mark(step, source)
        name = f"{self._folder.name}-{step.run}-{step.work.origin}"
        target = self._folder / step.peer / step.work / name
        target.parent.mkdir(exist_ok=True, parents=True)
        if not step.work.is_upload:
            self._place(peer, step.work.content, source, name)
            sources.touch_cache(peer.folder, self._marked_at)
        sources.touch_cache(source)
        sources.sync(self._folder)
        memory.warm(self._load.bytes_of(step.work.content) * _COPIES)
        sample = self._measure(step, peer, peer.command(step.work, source, name, target))
        self._stored[step.peer, name] = step.work.content
        if step.work.is_upload and not self._is_fetched_later(peer, step.work):
            self._run(peer, peer.fetch(step.work.content, name, target))
        if target.exists() or not step.work.is_upload:
            sources.compare(source, target)
            self._fetched.append(target)
        return sample

    def clear(self) -> None:
        """Take away the run's large files at both ends; the trees stay."""
        for target in self._fetched:
            if target.is_file():
                target.unlink()
        for (peer, name), content in self._stored.items():
            if content is Content.LARGE:
                self._discard(self._contest.peers[peer], name)
        self._fetched.clear()
        self._stored.clear()
        sources.sync(self._folder)

    def _mark(self, step: Step, source: Path) -> None:
        """Give the source new bytes where the step begins with them: once for all peers."""
        mark = (step.run, step.work.origin)
        if mark != self._marked.get(step.work.content):
            self._marked[step.work.content], self._marked_at = mark, time.time()
            sources.mark(source, step.run * len(Work) + list(Work).index(step.work.origin))

    def _place(self, peer: Peer, content: Content, source: Path, name: str) -> None:
        """See to it that the peer has what it is to deliver, where no upload of this run brought it."""
        if (peer.name, name) not in self._stored:
            self._run(peer, peer.place(content, source, name))
            self._stored[peer.name, name] = content

    def _is_fetched_later(self, peer: Peer, work: Work) -> bool:
        """Whether a download of the same run shows that the upload was right."""
        later = (other for other in self._load.works() if other is not work and other.origin is work)
        return any(other in peer.works for other in later)

    def _discard(self, peer: Peer, name: str) -> None:
        stored = peer.store / name
        command = peer.discard(name)
        if command is not None:
            self._run(peer, command)
        elif stored.is_dir():  # of a peer that keeps a single file in a folder
            shutil.rmtree(stored)
        else:
            stored.unlink()

    def _run(self, peer: Peer, command: Command) -> measure.Usage:
        log, timeout = peer.folder / "client.log", self._contest.timeout
        try:
            return measure.run(command, peer.environ, log, timeout, peer.server.members)
        except measure.CommandFailed as failure:
            said = peer.server.output()[-1000:]
            raise measure.CommandFailed(f"{peer.name}: {failure}\nIts server said: {said}") from None

    def _measure(self, step: Step, peer: Peer, command: Command) -> Sample:
        before = peer.server.cpu_seconds()
        processes.reset_peaks(peer.server.members())
        usage = self._run(peer, command)
        sync = sources.sync(self._folder)
        after = peer.server.cpu_seconds()
        return Sample(
            run=step.run,
            work=step.work,
            peer=step.peer,
            wall=usage.wall,
            sync=sync,
            durable=usage.wall + sync,
            client_cpu=usage.cpu,
            server_cpu=after - before,
            client_peak=usage.client_peak,
            server_peak=usage.server_peak,
        )


def _contestant(peer: Peer, start: float) -> Contestant:
    return Contestant(peer.name, peer.version(), peer.syncs_uploads, peer.syncs_downloads, start)
