"""Nonsense by the million: `python -m tests.fuzz [--seconds N] [--seed N] [--only NAME …]`.

First the counted check: frames in process and over a socket. Then every target for its share of
the seconds, by atheris where that is installed, which follows what the code does, else by mutation.
"""
# ruff: noqa: T201 (a command, whose output this is)

import argparse
import random
import sys
import tempfile
import warnings
from pathlib import Path

from tests.acceptance.report import table
from tests.fuzz.counted import in_process, over_a_socket
from tests.fuzz.long import by_atheris, by_mutation, has_atheris
from tests.fuzz.targets import TARGETS

FRAMES, SENT = 1_000_000, 10_000


def main() -> int:
    """0 when nothing was found."""
    args = _parse()
    print(f"seed {args.seed}", flush=True)
    warnings.simplefilter("ignore")  # of libraries, about what they read
    rows = []
    if args.frames:
        rows.append(in_process(random.Random(args.seed), args.frames))
    if args.sent:
        with tempfile.TemporaryDirectory(prefix="fileshare-fuzz-") as folder:
            rows.append(over_a_socket(random.Random(args.seed), args.sent, Path(folder)))
    names = [name for name in TARGETS if name in args.only or not args.only]
    engine = by_atheris if has_atheris() else by_mutation
    for name in names if args.seconds else ():
        rows.append(engine(name, max(1, args.seconds // len(names)), args.seed))
    print(f"\n{table(rows)}\n")
    return int(any(not row.passed for row in rows))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for all targets together")
    parser.add_argument("--seed", type=int, default=random.randrange(2**31))
    parser.add_argument("--frames", type=int, default=FRAMES, help="mutated frames in process")
    parser.add_argument("--sent", type=int, default=SENT, help="mutated frames over a socket")
    parser.add_argument("--only", nargs="*", default=[], choices=[*TARGETS], metavar="NAME")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
