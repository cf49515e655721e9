"""A benchmark from start to end: servers up, every step of the plan measured, servers down whatever happens.

It must not delete anything before the last run: ext4 looks through freshly freed inodes for minutes after a
tree was deleted, at the cost of whoever creates files next.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import measure, memory, processes, sources
from benchmarks.peer import Command, Peer
from benchmarks.plan import Load, Step, Work, steps
from benchmarks.report import Contestant, Sample

# Every command does its work once in small before anything is measured: what is broken shows at once.
REHEARSAL = Load(size=1 << 20, files=20, file_size=4096, folders=4)

# A run fills the page cache with one copy, and often with a temporary one beside it.
_COPIES = 2


@dataclass
class Contest:
    """Peers with running servers, and one work folder for everything that is written."""

    folder: Path
    timeout: float
    peers: dict[str, Peer] = field(default_factory=dict)
    contestants: list[Contestant] = field(default_factory=list)

    def rehearse(self) -> None:
        """Let every peer do each kind of work once, in small."""
        stage = Stage(self, self.folder / "rehearsal", REHEARSAL)
        for step in steps(1, REHEARSAL.works(), list(self.peers)):
            stage.play(step)

    def play(self, load: Load, runs: int, note: Callable[[Sample], None]) -> None:
        """Measure all runs, and hand over each sample at once."""
        stage = Stage(self, self.folder / "runs", load)
        for step in steps(runs, load.works(), list(self.peers)):
            note(stage.play(step))


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
        self._marked: tuple[int, bool] | None = None
        self._marked_at = 0.0
        self._large, self._small = sources.make(folder, load)

    def play(self, step: Step) -> Sample:
        """Measure one step; raises CommandFailed and WrongContent."""
        peer = self._contest.peers[step.peer]
        source = self._large if step.work.is_large else self._small
        self._mark(step, source)
        name = f"{self._folder.name}-{step.run}-{source.name}"
        target = self._folder / step.peer / name
        target.parent.mkdir(exist_ok=True)
        sources.touch_cache(source)
        if not step.work.is_upload:
            sources.touch_cache(peer.folder, self._marked_at)
        sources.sync(self._folder)
        memory.warm(self._load.bytes_of(step.work) * _COPIES)
        try:
            sample = self._measure(step, peer, _command(peer, step.work, source, name, target))
        except measure.CommandFailed as failure:
            raise measure.CommandFailed(
                f"{failure}\nIts server said: {peer.server.output()[-1000:]}"
            ) from None
        if not step.work.is_upload:
            sources.compare(source, target)
        return sample

    def _mark(self, step: Step, source: Path) -> None:
        mark = (step.run, step.work.is_large)
        if mark != self._marked:
            self._marked, self._marked_at = mark, time.time()
            sources.mark(source, step.run)

    def _measure(self, step: Step, peer: Peer, command: Command) -> Sample:
        before = peer.server.cpu_seconds()
        processes.reset_peaks(peer.server.members())
        usage = measure.run(
            command, peer.environ, peer.folder / "client.log", self._contest.timeout, peer.server.members
        )
        sync = sources.sync(self._folder)
        after = peer.server.cpu_seconds()
        synced = peer.syncs_uploads if step.work.is_upload else peer.syncs_downloads
        return Sample(
            run=step.run,
            work=step.work,
            peer=step.peer,
            wall=usage.wall,
            sync=sync,
            durable=usage.wall if synced else usage.wall + sync,
            client_cpu=usage.cpu,
            server_cpu=after - before,
            client_peak=usage.client_peak,
            server_peak=usage.server_peak,
        )


def _command(peer: Peer, work: Work, source: Path, name: str, target: Path) -> Command:
    match work:
        case Work.LARGE_UP:
            return peer.upload_file(source, name)
        case Work.LARGE_DOWN:
            return peer.download_file(name, target)
        case Work.SMALL_UP:
            return peer.upload_tree(source, name)
        case Work.SMALL_DOWN:
            return peer.download_tree(name, target)


def _contestant(peer: Peer, start: float) -> Contestant:
    return Contestant(peer.name, peer.version(), peer.syncs_uploads, peer.syncs_downloads, start)
