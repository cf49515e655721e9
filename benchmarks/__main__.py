"""python -m benchmarks: measure, print the table, keep the raw rows.

Whatever ends it, the servers end with it and the work folder is removed.
"""

import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from benchmarks import arguments, document, machine, peers, report, sources, table
from benchmarks.arguments import RESULTS, Arguments
from benchmarks.contest import REHEARSAL, Contest, contest
from benchmarks.measure import CommandFailed
from benchmarks.peer import Peer
from benchmarks.report import Report, Sample
from benchmarks.server import ServerFailed


def main(argv: Sequence[str]) -> int:
    """Do what the command line asks; return an exit code."""
    known = peers.known()
    asked = arguments.parse(argv, list(known))
    if asked.earlier is not None:
        return _show(report.read(asked.earlier), asked)
    present, complete = _present([known[name] for name in asked.peers])
    if not present or not (complete or asked.allow_missing):
        print(
            "Install them with `make bench-peers`, or go on without them: ALLOW_MISSING=1.", file=sys.stderr
        )
        return 1
    try:
        return _show(_measure(asked, present), asked)
    except (CommandFailed, ServerFailed, sources.WrongContent, NoSpace) as problem:
        print(f"The benchmark stopped: {problem}", file=sys.stderr)
        return 1


class NoSpace(Exception):
    """The disk can't hold all trees until the end."""


def _present(classes: Sequence[type[Peer]]) -> tuple[list[type[Peer]], bool]:
    """Name the peers that are missing; return those that are there, and whether that is all."""
    lacks = {peer: peer.missing() for peer in classes}
    for peer, programs in lacks.items():
        if programs:
            print(f"{peer.name} can't take part: {', '.join(programs)} is missing.", file=sys.stderr)
    present = [peer for peer in classes if not lacks[peer]]
    return present, len(present) == len(classes)


def _measure(asked: Arguments, classes: Sequence[type[Peer]]) -> Report:
    """Run the contest in a folder of its own; the raw rows are kept even if it breaks off."""
    signal.signal(signal.SIGTERM, _interrupt)
    asked.work_dir.mkdir(parents=True, exist_ok=True)
    began, samples = time.time(), list[Sample]()
    surroundings = machine.describe(asked.work_dir)
    _check_space(asked, len(classes))
    with (
        tempfile.TemporaryDirectory(prefix="work-", dir=asked.work_dir, ignore_cleanup_errors=True) as folder,
        contest(classes, Path(folder).resolve(), asked.timeout) as running,
    ):
        try:
            _play(running, asked, samples)
        finally:
            contestants = tuple(running.contestants)
            result = Report(int(began), surroundings, asked.load, asked.runs, contestants, tuple(samples))
            report.write(result, RESULTS / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(began))}.json")
    return result


def _play(running: Contest, asked: Arguments, samples: list[Sample]) -> None:
    print("A rehearsal in small, then the runs.", file=sys.stderr)
    running.rehearse()

    def note(sample: Sample) -> None:
        samples.append(sample)
        figures = f"{sample.wall:7.2f} s, on disk {sample.durable:7.2f} s"
        print(
            f"run {sample.run + 1}  {sample.work:<11} {sample.peer:<10} {figures}",
            file=sys.stderr,
            flush=True,
        )

    running.play(asked.load, asked.runs, note)


def _check_space(asked: Arguments, peer_count: int) -> None:
    """Every run of every peer leaves a copy on the server and one at the client, until the end."""
    copies = 1 + 2 * asked.runs * peer_count
    needed = asked.load.total * copies + REHEARSAL.total * (1 + 2 * peer_count)
    free = shutil.disk_usage(asked.work_dir).free
    if free < needed:
        gib = 1 << 30
        raise NoSpace(
            f"it needs {needed / gib:.1f} GiB of disk and {free / gib:.1f} are free; "
            "give fewer --runs, a smaller --size, or another --work-dir"
        )


def _show(result: Report, asked: Arguments) -> int:
    text = table.render(result)
    print(text, end="")
    if asked.write_docs:
        document.write(text)
    return 0


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
