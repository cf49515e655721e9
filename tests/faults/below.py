"""Below SQLite: the k-th call that it makes to the system fails, by a library between it and the kernel.

`below.c` is compiled where a C compiler is found and loaded by LD_PRELOAD into a process of
its own. SQLite's own answer to each error is part of what is tried here.
"""

import ctypes
import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.acceptance.report import Row, none_of
from tests.faults.forks import Tell, in_children
from tests.faults.operations import OPERATIONS
from tests.faults.parts import Plan, every_k
from tests.faults.trial import Rehearsal, afterwards, attempt

SOURCE = Path(__file__).with_name("below.c")
OPEN, UNLINK, RENAME, WRITE, SYNC, TRUNCATE, READ = (1 << bit for bit in range(7))
CHANGES = UNLINK | RENAME | WRITE | SYNC | TRUNCATE
FAIL, FAIL_AFTERWARDS, SHORT = range(3)
CHECK = "below SQLite"


class NoCompiler(Exception):
    """The library can't be made here; the text says why."""


@dataclass(frozen=True)
class SystemMishap:
    """What befalls calls of these kinds on the database, its log and its index."""

    name: str
    kinds: int
    code: int = 0
    sticky: bool = False
    way: int = FAIL


MISHAPS = [
    SystemMishap(f"{errno.errorcode[code]} {'for ever' if sticky else 'once'}", kinds, code, sticky)
    for code, kinds in (
        (errno.EIO, CHANGES | OPEN | READ),
        (errno.ENOSPC, WRITE | SYNC | TRUNCATE | OPEN),
        (errno.EDQUOT, WRITE | SYNC | TRUNCATE | OPEN),
        (errno.EACCES, OPEN | UNLINK | RENAME),
    )
    for sticky in (False, True)
] + [
    SystemMishap("a sync that fails and then succeeds", SYNC, errno.EIO),
    SystemMishap("EIO too late", CHANGES, errno.EIO, way=FAIL_AFTERWARDS),
    SystemMishap("short writes", WRITE, sticky=True, way=SHORT),
]


@dataclass
class SystemTrap:
    """Calls of SQLite on the database in `folder`; the k-th is befallen."""

    library: ctypes.CDLL
    folder: Path
    mishap: SystemMishap
    at: int

    @contextmanager
    def installed(self) -> Iterator["SystemTrap"]:
        """Within this it may strike, once it is armed."""
        one = self.mishap
        prefix = os.fsencode(self.folder / "fileshare.db")
        self.library.faults_plan(prefix, one.kinds, self.at, one.sticky, one.code, one.way)
        try:
            yield self
        finally:
            self.library.faults_arm(0)

    def arm(self) -> None:
        """From now on calls count."""
        self.library.faults_arm(1)

    @property
    def struck(self) -> str:
        """The names of the first calls that were befallen."""
        names: bytes = self.library.faults_names()
        return names.decode()


def below(plan: Plan) -> list[Row]:
    """Every mishap at every k of every operation, in a process that has the library loaded."""
    try:
        library = compiled(plan.folder)
    except NoCompiler as error:
        return [Row(CHECK, "findings: none", f"0 of 0: {error}", True)]
    told = plan.folder / "below.json"
    asked = {
        "folder": str(plan.folder),
        "operations": [operation.name for operation in plan.operations],
        "seed": plan.seed,
        "count": plan.count,
        "told": str(told),
    }
    environment = {**os.environ, "LD_PRELOAD": str(library)}
    subprocess.run([sys.executable, "-m", __name__, json.dumps(asked)], check=True, env=environment)
    what = f"every k of {len(MISHAPS)} mishaps"
    found = sorted(json.loads(told.read_text()))
    return [none_of(f"{CHECK}: {name}", what, findings, trials) for name, trials, findings in found]


def compiled(folder: Path) -> Path:
    """The library. Raises NoCompiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        raise NoCompiler("there is no C compiler" if compiler is None else "LD_PRELOAD is Linux's")
    library = folder / "below.so"
    words = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl", "-lpthread"]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode:
        raise NoCompiler(f"below.c can't be compiled: {done.stderr.strip()[-200:]}")
    return library


# In the process that has it loaded


def main() -> None:
    """The trials that the first argument asks for; what was found goes to a file."""
    asked = json.loads(sys.argv[1])
    folder = Path(asked["folder"])
    operations = [one for one in OPERATIONS if one.name in asked["operations"]]
    plan = Plan(folder, operations, asked["seed"], asked["count"], partial(print, flush=True))
    rehearsals = list(plan.rehearsals("below"))
    works = [partial(_trials, plan, share, n) for n, share in enumerate(plan.shares(rehearsals))]
    found = [one for told in in_children(works) for one in told.values]
    Path(asked["told"]).write_text(json.dumps(found))


def _trials(plan: Plan, share: Sequence[Rehearsal], number: int, tell: Tell) -> None:
    place = plan.folder / f"below-{number}"
    place.mkdir()
    for rehearsal in share:
        trials, findings = 0, list[str]()
        name = rehearsal.operation.name
        chance = plan.chance(f"below {name}")
        for mishap in MISHAPS:
            for k in every_k(plan.count, chance):
                came, found = system_trial(rehearsal, place / "data", mishap, k)
                findings += found
                if not came:
                    break
                trials += 1
        plan.tell_of(f"{CHECK}: {name}", trials, findings)
        tell((name, trials, findings))


def system_trial(rehearsal: Rehearsal, folder: Path, mishap: SystemMishap, at: int) -> tuple[bool, list[str]]:
    """Whether the mishap came to pass, and what was wrong afterwards."""
    rehearsal.copy(folder)
    library = ctypes.CDLL(None)
    library.faults_names.restype = ctypes.c_char_p
    trap = SystemTrap(library, folder, mishap, at)
    outcome = attempt(rehearsal, folder, trap)
    struck = trap.struck
    about = f"{rehearsal.operation.name}, {mishap.name} at {at} ({struck}) {outcome.refusals}"
    findings = afterwards(rehearsal, folder, outcome)
    return bool(struck), [f"{about}: {finding}" for finding in findings]


if __name__ == "__main__":
    main()
