"""python -m benchmarks.scale: fileshare alone, from little to much; prints tables, keeps the raw rows.

Whatever ends it, the servers end with it and the work folder is removed.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType

from benchmarks import machine
from benchmarks.arguments import RESULTS
from benchmarks.measure import CommandFailed
from benchmarks.peers.fileshare import Fileshare
from benchmarks.plan import parse_size
from benchmarks.scaling import rows
from benchmarks.scaling.bench import Bench
from benchmarks.scaling.rows import Row, Sheets
from benchmarks.scaling.sheets import SHEETS, Extent
from benchmarks.server import ServerFailed
from benchmarks.sources import WrongContent

_KIB, _MIB, _GIB = 1 << 10, 1 << 20, 1 << 30

WHOLE = Extent(
    parallel=(1, 2, 4, 8, 16, 32, 64),
    parallel_size=64 * _MIB,
    sizes=(4 * _KIB, 64 * _KIB, _MIB, 16 * _MIB, 256 * _MIB, _GIB, 10 * _GIB),
    files=(1, 100, 10_000, 100_000, 1_000_000),
    round_trips=(0, 1, 10, 50, 100),
    losses=(0, 0.001, 0.01),
    line_size=64 * _MIB,
    line_files=200,
)

SMALL = Extent(
    parallel=(1, 4),
    parallel_size=_MIB,
    sizes=(4 * _KIB, _MIB),
    files=(1, 200),
    round_trips=(0, 20),
    losses=(0, 0.01),
    line_size=_MIB,
    line_files=20,
)


def main(argv: Sequence[str]) -> int:
    """Do what the command line asks; return an exit code."""
    options = parser()
    asked = options.parse_args(argv)
    chosen = asked.sheets.split(",")
    if unknown := set(chosen) - set(SHEETS):
        options.error(f"there is no sheet {', '.join(sorted(unknown))}; there are {', '.join(SHEETS)}")
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        _measure(asked, chosen, extent(asked))
    except (CommandFailed, ServerFailed, WrongContent) as problem:
        print(f"The benchmark stopped: {problem}", file=sys.stderr)
        return 1
    return 0


def extent(asked: argparse.Namespace) -> Extent:
    """Return how far to go: everything, or the small one, cut at the most that was asked for."""
    base = SMALL if asked.small else WHOLE
    return replace(
        base,
        parallel=tuple(number for number in base.parallel if number <= asked.most_parallel),
        sizes=tuple(size for size in base.sizes if size <= asked.most_size),
        files=tuple(number for number in base.files if number <= asked.most_files),
        parallel_size=asked.parallel_size or base.parallel_size,
        line_size=asked.line_size or base.line_size,
    )


def _measure(asked: argparse.Namespace, chosen: Sequence[str], extent: Extent) -> None:
    """Make the sheets in a folder of its own; the raw rows are kept even if it breaks off."""
    asked.work_dir.mkdir(parents=True, exist_ok=True)
    began, surroundings, found = int(time.time()), machine.describe(asked.work_dir), list[Row]()
    with tempfile.TemporaryDirectory(
        prefix="work-", dir=asked.work_dir, ignore_cleanup_errors=True
    ) as folder:
        peer = Fileshare(Path(folder).resolve() / "fileshare")
        try:
            peer.start()
            runs = asked.runs or (1 if asked.small else 3)
            bench = Bench(peer, Path(folder).resolve(), runs, asked.timeout, _noting(found))
            for name in chosen:
                SHEETS[name](bench, extent)
        finally:
            peer.stop()
            if found:
                moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(began))
                sheets = Sheets(began, peer.version(), surroundings, tuple(found))
                rows.write(sheets, RESULTS / f"{moment}-scale.json")
                print(rows.render(found), flush=True)


def _noting(found: list[Row]) -> Callable[[Row], None]:
    def note(row: Row) -> None:
        found.append(row)
        print(f"{row.sheet}: {row.setting}, {row.work}: {row.wall:.3f} s", file=sys.stderr, flush=True)

    return note


def parser() -> argparse.ArgumentParser:
    """Return the reader of the command line."""
    options = argparse.ArgumentParser(
        prog="python -m benchmarks.scale", description="Measure fileshare alone, from little to much."
    )
    add = options.add_argument
    add("--sheets", default=",".join(SHEETS), help=f"which ({','.join(SHEETS)})")
    add("--small", action="store_true", help="all sheets in small, once each: a look whether they work")
    add("--runs", type=int, default=0, help="runs of each measurement (3, or 1 with --small)")
    add("--most-parallel", type=int, default=64, help="transfers at once, at the most (64)")
    add("--parallel-size", type=parse_size, default=0, help="the size of each of them (64MiB)")
    add("--most-size", type=parse_size, default=10 * _GIB, help="the largest size (10GiB)")
    add("--most-files", type=int, default=1_000_000, help="files listed, at the most (1000000)")
    add("--line-size", type=parse_size, default=0, help="the file sent over slow and lossy lines (64MiB)")
    add("--work-dir", type=Path, default=RESULTS, help="where everything is written and then removed")
    add(
        "--timeout",
        type=float,
        default=3600.0,
        help="seconds until a command counts as failed (3600)",
    )
    return options


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
