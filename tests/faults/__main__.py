"""Let every call of every operation fail, die and lose its power, and print what was found.

`python -m tests.faults [--seed N] [--only PART OPERATION …] [--count N]`; exits with 77 where
everything that could be tried held, and the power could not be cut.
"""
# ruff: noqa: T201 (a command, whose output this is)

import argparse
import logging
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from tests.acceptance.report import Row, table
from tests.faults.below import below
from tests.faults.network import network
from tests.faults.operations import OPERATIONS
from tests.faults.parts import Plan, cuts, errors, kills, walks
from tests.faults.servers import SERVER_PARTS

PARTS = {
    "errors": errors,
    "below": below,
    "kills": kills,
    "power": cuts,
    "network": network,
    "model": walks,
    **SERVER_PARTS,
}
RAM = Path("/dev/shm")
SKIPPED = 77


def main() -> int:
    """0 when every row passed, 77 when it did where it could be tried."""
    args = _parse()
    logging.getLogger().addHandler(logging.NullHandler())
    folder = Path(tempfile.mkdtemp(prefix="fileshare-faults-", dir=args.dir))
    (folder / "place").mkdir()
    print(f"seed {args.seed}, in {folder}", flush=True)
    names = [name for name in args.only if name not in PARTS]
    operations = [one for one in OPERATIONS if not names or one.name in names]
    plan = Plan(folder, operations, args.seed, args.count, lambda text: print(text, flush=True), args.minutes)
    rows: list[Row] = []
    started = time.monotonic()
    try:
        for name, part in PARTS.items():
            if name in args.only or not set(args.only) & set(PARTS):
                rows += _rows(name, part, plan)
    finally:
        if args.keep:
            print(f"kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{table(rows)}\n")
    failed = sum(not row.passed for row in rows)
    print(
        f"{len(rows) - failed} of {len(rows)} passed in {time.monotonic() - started:.0f} s (seed {args.seed})"
    )
    if failed:
        return 1
    return SKIPPED if any(row.measured.startswith("0 of 0") for row in rows) else 0


def _rows(name: str, part: Callable[[Plan], list[Row]], plan: Plan) -> list[Row]:
    """What a part found. One that breaks off takes nothing with it of what the others have found."""
    try:
        return part(plan)
    except Exception as error:
        traceback.print_exc()
        return [Row(name, "runs to its end", f"{type(error).__name__}: {error}", False)]


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.faults", description=__doc__.splitlines()[0])
    names = [*PARTS, *(operation.name for operation in OPERATIONS)]
    parser.add_argument(
        "--only", nargs="+", choices=names, default=[], metavar="NAME", help=f"of: {', '.join(names)}"
    )
    parser.add_argument("--count", type=int, help="so many k, drawn by the seed, instead of every k")
    parser.add_argument("--minutes", type=float, default=10, help="how long the soak lasts")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000), help="to repeat a run")
    parser.add_argument("--dir", default=RAM if RAM.is_dir() else None, help="where to work; a GiB is enough")
    parser.add_argument("--keep", action="store_true", help="leave the folders for a look")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
