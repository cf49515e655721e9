"""The command line of the benchmark as a value."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.plan import Load, Work, parse_size

RESULTS = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True)
class Arguments:
    """What was asked for; `earlier` are reports to show again, as one, in place of a new benchmark."""

    load: Load
    runs: int
    peers: tuple[str, ...]
    work_dir: Path
    timeout: float
    write_docs: bool
    earlier: tuple[Path, ...]
    allow_missing: bool


def parse(argv: Sequence[str], known: Sequence[str]) -> Arguments:
    """Read the command line; ends the program with a sentence where it makes no sense."""
    parser = _parser(known)
    given = parser.parse_args(argv)
    peers = tuple(dict.fromkeys(given.peers.split(",")))
    for name in peers:
        if name not in known:
            parser.error(f"there is no peer {name!r}; there are {', '.join(known)}")
    if unknown := set(given.works.split(",")) - set(Work):
        parser.error(f"there is no work {', '.join(sorted(unknown))}; there are {', '.join(Work)}")
    only = tuple(work for work in Work if work in given.works.split(","))
    load = Load(given.size, given.files, given.file_size, given.folders, given.many, given.many_size, only)
    if min(given.runs, given.folders) < 1 or min(given.files, given.many) < 0:
        parser.error("--runs and --folders are at least 1, --files and --many at least 0")
    if not load.works():
        parser.error("nothing to measure: the sizes and numbers of what --works names are 0")
    return Arguments(
        load=load,
        runs=given.runs,
        peers=peers,
        work_dir=given.work_dir,
        timeout=given.timeout,
        write_docs=given.write_docs,
        earlier=tuple(given.earlier),
        allow_missing=os.environ.get("ALLOW_MISSING", "") not in {"", "0"},
    )


def _parser(known: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure fileshare and its peers side by side.",
        epilog="ALLOW_MISSING=1 in the environment goes on without the peers that are not installed.",
    )
    add = parser.add_argument
    add("--size", type=_size, default="1GiB", help="the large file (1GiB); 0 leaves it out")
    add("--files", type=int, default=10_000, help="how many small files (10000); 0 leaves them out")
    add("--file-size", type=_size, default="4KiB", help="the size of each (4KiB)")
    add("--folders", type=int, default=100, help="the folders they lie in (100)")
    add("--many", type=int, default=200, help="how many files at once over HTTP (200); 0 leaves them out")
    add("--many-size", type=_size, default="1MiB", help="the size of each (1MiB)")
    add("--works", default=",".join(Work), help=f"the kinds of work ({','.join(Work)})")
    add("--runs", type=int, default=5, help="runs of each peer at each kind of work (5)")
    add(
        "--peers",
        default=",".join(known),
        help=f"who takes part; the first is the reference ({','.join(known)})",
    )
    add("--work-dir", type=Path, default=RESULTS, help="where everything is written and then removed")
    add("--timeout", type=float, default=600.0, help="seconds after which one command counts as failed (600)")
    add("--write-docs", action="store_true", help="also put the figures into docs/benchmarks.md")
    add(
        "--from",
        dest="earlier",
        type=Path,
        nargs="+",
        default=(),
        metavar="FILE",
        help="show earlier runs' JSON again, as one where each measured other works; measure nothing",
    )
    return parser


def _size(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None
