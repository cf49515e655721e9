"""python -m benchmarks: measure, print the table, keep the raw rows.

Whatever ends it, the servers end with it and the work folder is removed.
"""

import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from benchmarks import arguments, chart, document, machine, merge, peers, report, sources, space, table
from benchmarks.arguments import RESULTS, Arguments
from benchmarks.contest import Contest, contest
from benchmarks.measure import CommandFailed
from benchmarks.peer import Peer
from benchmarks.report import Report, Sample
from benchmarks.server import ServerFailed

_GIB = 1 << 30


class PeersMissing(Exception):
    """Not everybody who was asked for can take part."""


class NoSpace(Exception):
    """The disk can't hold all trees until the end."""


_EXPECTED = (
    CommandFailed,
    NoSpace,
    PeersMissing,
    ServerFailed,
    document.MarkersMissing,
    merge.NotAlike,
    report.Unreadable,
    sources.WrongContent,
)


def main(argv: Sequence[str]) -> int:
    """Do what the command line asks; return an exit code."""
    known = peers.known()
    asked = arguments.parse(argv, list(known))
    try:
        if asked.earlier:
            _show(merge.merged([report.read(path) for path in asked.earlier]), asked)
        else:
            _measure(asked, present(asked, known))
    except _EXPECTED as problem:
        print(f"The benchmark stopped: {problem}", file=sys.stderr)
        return 1
    return 0


def present(asked: Arguments, known: Mapping[str, type[Peer]]) -> list[type[Peer]]:
    """Name the peers that are missing, return the others; raises PeersMissing unless that was allowed."""
    lacks = {known[name]: known[name].missing() for name in asked.peers}
    for peer, programs in lacks.items():
        if programs:
            print(f"{peer.name} can't take part: {', '.join(programs)} is missing.", file=sys.stderr)
    there = [peer for peer, programs in lacks.items() if not programs]
    if not there or (len(there) < len(lacks) and not asked.allow_missing):
        raise PeersMissing(
            "install the peers with `make bench-peers`, or go on without them: ALLOW_MISSING=1"
        )
    return there


def _show(result: Report, asked: Arguments) -> None:
    text = table.render(result)
    print(text, end="", flush=True)
    if asked.write_docs:
        document.write(text, chart.draw(result))


def _measure(asked: Arguments, classes: Sequence[type[Peer]]) -> None:
    """Run the contest in a folder of its own; the raw rows are kept even if it breaks off."""
    signal.signal(signal.SIGTERM, _interrupt)
    asked.work_dir.mkdir(parents=True, exist_ok=True)
    _check_space(asked, classes)
    began, surroundings, samples = int(time.time()), machine.describe(asked.work_dir), list[Sample]()
    with (
        tempfile.TemporaryDirectory(prefix="work-", dir=asked.work_dir, ignore_cleanup_errors=True) as folder,
        contest(classes, Path(folder).resolve(), asked.timeout) as running,
    ):
        try:
            _play(running, asked, samples)
        finally:
            contestants = tuple(running.contestants)
            result = Report(began, surroundings, asked.load, asked.runs, contestants, tuple(samples))
            _keep(result)
        _show(result, asked)
        print("Removing what was written, which takes a while.", file=sys.stderr)


def _play(running: Contest, asked: Arguments, samples: list[Sample]) -> None:
    print("A rehearsal in small, then the runs.", file=sys.stderr)
    started = time.monotonic()
    running.rehearse(asked.load.works())

    def note(sample: Sample) -> None:
        samples.append(sample)
        since = int(time.monotonic() - started)
        figures = f"{sample.wall:7.2f} s, on disk {sample.durable:7.2f} s   [{since // 60}:{since % 60:02}]"
        print(
            f"run {sample.run + 1}  {sample.work:<11} {sample.peer:<10} {figures}",
            file=sys.stderr,
            flush=True,
        )

    running.play(asked.load, asked.runs, note)


def _keep(result: Report) -> None:
    if result.samples:
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(result.began))
        report.write(result, RESULTS / f"{moment}.json")
        (RESULTS / f"{moment}.svg").write_text(chart.draw(result), encoding="utf-8")


def _check_space(asked: Arguments, classes: Sequence[type[Peer]]) -> None:
    """Refuse to begin what can't be held: large files for a run, trees until the end."""
    needed = space.needed(asked.load, asked.runs, [peer.works for peer in classes])
    free = shutil.disk_usage(asked.work_dir).free
    if free < needed:
        raise NoSpace(
            f"it needs {needed / _GIB:.1f} GiB of disk and {free / _GIB:.1f} are free; "
            "give fewer --runs, a smaller --size, or another --work-dir"
        )


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
