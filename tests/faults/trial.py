"""One trial: an operation on a copy of a prepared folder, a mishap at its k-th call, and a look after it.

What must hold, whatever happened: the caller got a FileshareError or an answer; opened
again, the folder shows what was there before the stage in flight or after it, and never
less than was told; who does it again reaches the same end; then nothing is left over.
"""

import asyncio
import logging
import shutil
import tarfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, aclosing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from fileshare.errors import FileshareError
from tests.e2e.inspection import inspect
from tests.faults.calls import Injector
from tests.faults.house import House, World, boot, house, left_open
from tests.faults.mishaps import Forgets, Survived
from tests.faults.operations import Operation

SECONDS = 120
"""In which everything has ended, on a machine that is busy with other things too."""


@dataclass(frozen=True)
class Rehearsal:
    """An operation on which nothing falls: the folder before, and what each stage shows."""

    operation: Operation
    folder: Path
    stages: list[str]
    worlds: list[World]
    """One before the first stage, and one after each."""

    def copy(self, to: Path) -> Path:
        """A folder as it was before; what stood there goes."""
        clear(to)
        shutil.copytree(self.folder, to, ignore=shutil.ignore_patterns("lock", "reserve", "logs"))
        return to

    def around(self, told: list[str]) -> tuple[World, World]:
        """What was told of last, and what may be there already."""
        reached = max((self.stages.index(stage) + 1 for stage in told), default=0)
        return self.worlds[reached], self.worlds[min(reached + 1, len(self.stages))]


def clear(folder: Path) -> None:
    """Remove a data folder and what was made beside it."""
    for path in (folder, folder.with_name("copy")):
        shutil.rmtree(path, ignore_errors=True)


def rehearse(operation: Operation, folder: Path) -> Rehearsal:
    """Prepare a folder, and do the operation once on a copy of it."""
    if operation.archive is not None:
        with tarfile.open(operation.archive) as packed:
            packed.extraction_filter = getattr(tarfile, "data_filter", None)
            packed.extractall(folder.parent)
        (folder.parent / "data").rename(folder)
    else:
        run(_prepared(operation, folder), folder)
    rehearsal = Rehearsal(operation, folder, [], [])
    run(_watched(rehearsal, rehearsal.copy(folder.with_name("rehearsal"))), folder)
    return rehearsal


async def _prepared(operation: Operation, folder: Path) -> None:
    async with house(folder) as home:
        await operation.prepare(home)


async def _watched(rehearsal: Rehearsal, folder: Path) -> None:
    async with house(folder) as home:
        rehearsal.worlds.append(await home.look())
        async with aclosing(rehearsal.operation.run(home)) as stages:
            async for stage in stages:
                rehearsal.stages.append(stage)
                rehearsal.worlds.append(await home.look())


@dataclass
class Outcome:
    """What a process made of it."""

    told: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)


class Trap(Protocol):
    """Where calls come by, so that one of them can be befallen."""

    def installed(self) -> AbstractContextManager[object]:
        """Within this, calls come by."""
        ...

    def arm(self) -> None:
        """From now on they count."""
        ...


# The process on which something falls


def attempt(
    rehearsal: Rehearsal,
    folder: Path,
    injector: Trap,
    tell: Callable[[str], None] | None = None,
    *,
    boots: int = 1,
) -> Outcome:
    """Open, do it, do it again where it failed, close. Findings are what no caller should ever see."""
    outcome = Outcome()
    told = tell or outcome.told.append
    with injector.installed(), listening(outcome.findings):
        try:
            run(_attempt(rehearsal.operation, folder, injector, told, outcome), folder, boots)
        except FileshareError as error:
            outcome.refusals.append(error.message)
        except Exception as error:
            outcome.findings.append(f"a {type(error).__name__} came out: {error}")
            logging.getLogger("tests.faults").info("it came from", exc_info=error)
    return outcome


async def _attempt(
    operation: Operation, folder: Path, injector: Trap, tell: Callable[[str], None], outcome: Outcome
) -> None:
    if operation.at_start:
        injector.arm()
    async with house(folder) as home:
        injector.arm()
        try:
            await follow(operation, home, tell)
        except FileshareError as error:
            outcome.refusals.append(error.message)
            try:
                await follow(operation, home, tell)
            except FileshareError as again:
                outcome.refusals.append(again.message)


async def follow(operation: Operation, home: House, tell: Callable[[str], None]) -> None:
    """Do it to its end, and tell each stage."""
    async with aclosing(operation.run(home)) as stages:
        async for stage in stages:
            tell(stage)


def recover_only(folder: Path, injector: Injector, *, boots: int = 1) -> None:
    """Start, and stop again at once."""

    async def start() -> None:
        injector.arm()
        async with house(folder):
            pass

    with injector.installed():
        run(start(), folder, boots)


# The process after it


def examine(rehearsal: Rehearsal, folder: Path, told: list[str], *, boots: int = 1) -> list[str]:
    """Start again, look, let the client go on, sweep, close, and look from outside."""
    findings: list[str] = []
    with listening(findings):
        try:
            run(_examine(rehearsal, folder, told, findings), folder, boots)
        except Exception as error:
            findings.append(f"the next start ended with {type(error).__name__}: {error}")
            logging.getLogger("tests.faults").info("it came from", exc_info=error)
    found = inspect(folder, rehash=True)
    uploads = len(rehearsal.worlds[-1].uploads)
    findings += [*found.lost, *found.orphans, *found.half_done[uploads:]]
    copy = folder.with_name("copy")
    if (copy / "fileshare.db").exists():
        findings += [f"in the copy: {text}" for text in inspect(copy, rehash=True).lost]
    return findings


async def _examine(rehearsal: Rehearsal, folder: Path, told: list[str], findings: list[str]) -> None:
    async with house(folder) as home:
        found, (before, after) = await home.look(), rehearsal.around(told)
        if not found.lies_between(before, after):
            findings.append(f"told {told[-1:]}, found {found.beside(before)}, and {found.beside(after)}")
        await follow(rehearsal.operation, home, lambda _: None)
        last = await home.look()
        if last != rehearsal.worlds[-1]:
            findings.append(f"done again it ended with {last.beside(rehearsal.worlds[-1])}")
        await home.sweep()
        if await home.look() != last:
            findings.append("the sweeper changed what there is")


# Both


def trial(rehearsal: Rehearsal, folder: Path, mishap: Survived, at: int) -> tuple[bool, list[str]]:
    """Whether the mishap came to pass at all, and what was wrong afterwards."""
    rehearsal.copy(folder)
    injector = Injector(folder.parent, mishap, at)
    outcome = attempt(rehearsal, folder, injector)
    if isinstance(mishap, Forgets):
        mishap.forget()
    findings = afterwards(rehearsal, folder, outcome, boots=2 if isinstance(mishap, Forgets) else 1)
    about = f"{rehearsal.operation.name}, {mishap.name} at {at} ({', '.join(injector.struck[:3])})"
    return bool(injector.struck), [f"{about}: {finding}" for finding in findings]


def afterwards(rehearsal: Rehearsal, folder: Path, outcome: Outcome, *, boots: int = 1) -> list[str]:
    """All that was wrong with a process that lived through it, and with what it left."""
    left = [f"{path} was left open" for path in left_open(folder)]
    return [*outcome.findings, *left, *examine(rehearsal, folder, outcome.told, boots=boots)]


def run(work: Coroutine[Any, Any, None], folder: Path, boots: int = 1) -> None:
    """Run it on a loop of its own, on that boot of the machine."""
    with boot(boots, folder), asyncio.Runner() as runner:
        runner.get_loop().set_exception_handler(_tell_to_log)
        runner.run(asyncio.wait_for(work, SECONDS))


def _tell_to_log(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    logging.getLogger("asyncio").error(context["message"], exc_info=context.get("exception"))


class _Listener(logging.Handler):
    def __init__(self, findings: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._findings = findings

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info or record.name == "asyncio":
            self._findings.append(f"the log has a traceback: {record.getMessage()} {record.exc_info}")


@contextmanager
def listening(findings: list[str]) -> Iterator[None]:
    """Whatever is logged with a traceback is a finding: nobody had thought of it."""
    listener, root = _Listener(findings), logging.getLogger()
    root.addHandler(listener)
    try:
        yield
    finally:
        root.removeHandler(listener)
