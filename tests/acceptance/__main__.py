"""Run the counted checks and print what was required, what was measured, and the verdict of each."""
# ruff: noqa: T201 (a command, whose output this is)

import argparse
import random
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.acceptance.big_file import BigFile
from tests.acceptance.big_resume import BigResume
from tests.acceptance.busy_lists import BusyLists
from tests.acceptance.busy_pages import BusyPages
from tests.acceptance.checkpoints import Checkpoints
from tests.acceptance.client_kills import ClientKills
from tests.acceptance.cross_door import CrossDoor
from tests.acceptance.files_page import FilesPage
from tests.acceptance.fresh import Fresh
from tests.acceptance.hostile import Hostile
from tests.acceptance.idle_connections import IdleConnections
from tests.acceptance.known_file import KnownFile
from tests.acceptance.listing import Listing
from tests.acceptance.lost_replies import LostReplies
from tests.acceptance.many_at_once import ManyAtOnce
from tests.acceptance.network_cuts import NetworkCuts
from tests.acceptance.report import Row, table
from tests.acceptance.restart import Restart
from tests.acceptance.rude import Rude
from tests.acceptance.server_kills import ServerKills
from tests.acceptance.small_files import SmallFiles
from tests.acceptance.stage import Check, Stage
from tests.acceptance.tus_clients import TusClients
from tests.acceptance.upload_cost import UploadCost
from tests.acceptance.users_document import UsersDocument

CHECKS: tuple[type[Check], ...] = (
    Fresh, UsersDocument, ServerKills, ClientKills, NetworkCuts, LostReplies, BigFile, SmallFiles, Restart,
    Hostile, Listing, FilesPage, BusyPages, TusClients, CrossDoor,
    BigResume, UploadCost, Checkpoints, KnownFile, IdleConnections, BusyLists, ManyAtOnce, Rude,
)  # fmt: skip


def main() -> int:
    """0 when every row passed."""
    args = _parse()
    folder = Path(tempfile.mkdtemp(prefix="fileshare-acceptance-", dir=args.dir))
    chosen = [check for check in CHECKS if not args.only or check.name in args.only]
    print(f"seed {args.seed}, in {folder}")
    rows: list[Row] = []
    try:
        for check in chosen:
            rows += _run(check, folder / check.name, args.seed, args.count)
    finally:
        if args.keep:
            print(f"kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{table(rows)}\n")
    failed = sum(not row.passed for row in rows)
    print(f"{len(rows) - failed} of {len(rows)} passed (seed {args.seed})")
    return 1 if failed else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.acceptance", description=__doc__)
    names = [check.name for check in CHECKS]
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=f"of: {', '.join(names)}")
    parser.add_argument("--count", type=int, help="do each this often instead of as often as required")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000), help="to repeat a run")
    parser.add_argument("--dir", help="where to work; about 25 GiB are needed for the big file")
    parser.add_argument("--keep", action="store_true", help="leave the folders for a look")
    return parser.parse_args()


def _run(check: type[Check], folder: Path, seed: int, count: int | None) -> list[Row]:
    """Its rows; a check that breaks off is a failed row."""
    started = time.monotonic()

    def say(text: str) -> None:
        end = "" if sys.stdout.isatty() else "\n"
        print(f"\r{check.name}: {text}   ", end=end, flush=True)

    stage = Stage(folder, f"{seed} {check.name}", count, say)
    try:
        rows = check(stage).run()
    except Exception as error:
        traceback.print_exc()
        rows = [Row(check.name, "an end", f"broke off: {error}"[:200], False)]
    finally:
        stage.close()
    say(f"done in {time.monotonic() - started:.0f} s")
    print()
    return rows


if __name__ == "__main__":
    sys.exit(main())
