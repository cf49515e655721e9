"""The process, or the power, ends at the k-th call that changes the disk; the next process looks."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tests.faults.calls import Injector
from tests.faults.forks import Tell, in_child
from tests.faults.mishaps import Ends
from tests.faults.operations import Operation
from tests.faults.power import Disk
from tests.faults.trial import Rehearsal, attempt, examine, recover_only, rehearse

RECOVERIES = 10
"""How often in a row the recovery is killed."""

WITHIN = 0.003
"""Seconds that a commit takes on a disk, about: in the midst of it is a moment like others."""


@dataclass
class Deaths:
    """One operation, in a place where processes die."""

    rehearsal: Rehearsal
    place: Path
    """Holds the data folder and nothing else."""
    end: Ends
    disk: Disk | None = None
    """Where the power goes with the process, and comes back before the next start."""
    boot: int = 1

    def every(self) -> Iterator[tuple[bool, list[str]]]:
        """Die at each k until a run lives; each with whether it died, and what was wrong."""
        for k in itertools.count(1):
            died, findings = self.die(k)
            yield died, findings
            if not died:
                return

    def calls(self) -> int:
        """How many k there are."""
        self._lay_out()
        (calls,) = in_child(self._count).values
        assert isinstance(calls, int)
        return calls

    def die(self, k: int) -> tuple[bool, list[str]]:
        """Whether it died, and what was wrong afterwards."""
        self._lay_out()
        told = in_child(partial(self._operate, k))
        if told.killed:
            self._switch_on()
        return told.killed, self._look(told.values, f"dead at {k}")

    def die_again(self, k: int, chance: random.Random) -> tuple[int, list[str]]:
        """Die at k or in the midst of it, then ten times while starting again; how often it died in all."""
        self._lay_out()
        self.end = replace(self.end, within=chance.choice([0, chance.uniform(0, WITHIN)]))
        told = in_child(partial(self._operate, k))
        deaths = int(told.killed)
        for _ in range(RECOVERIES):
            self._switch_on()
            deaths += in_child(partial(self._recover, chance.randint(1, 8))).killed
        self._switch_on()
        return deaths, self._look(told.values, f"dead at {k} and {deaths - 1} times in recovery")

    def _lay_out(self) -> None:
        self.rehearsal.copy(self.place / "data")
        if self.disk is not None:
            self.disk.sync()

    def _switch_on(self) -> None:
        if self.disk is not None:
            self.disk.remount()
            self.boot += 1

    def _operate(self, k: int, tell: Tell) -> None:
        injector = Injector(self.place, self.end, k)
        outcome = attempt(self.rehearsal, self.place / "data", injector, tell, boots=self.boot)
        assert not outcome.findings and not outcome.refusals, outcome

    def _count(self, tell: Tell) -> None:
        injector = Injector(self.place, self.end)
        attempt(self.rehearsal, self.place / "data", injector, boots=self.boot)
        tell(injector.calls)

    def _recover(self, k: int, _: Tell) -> None:
        recover_only(self.place / "data", Injector(self.place, self.end, k), boots=self.boot)

    def _look(self, told: list[str], about: str) -> list[str]:
        looked = in_child(
            lambda tell: tell(examine(self.rehearsal, self.place / "data", told, boots=self.boot))
        )
        (findings,) = looked.values
        return [f"{self.rehearsal.operation.name}, {about}: {finding}" for finding in findings]


def rehearse_apart(operation: Operation, folder: Path) -> Rehearsal:
    """As `rehearse`, in a child: this process is to have no threads."""
    (rehearsal,) = in_child(lambda tell: tell(rehearse(operation, folder))).values
    assert isinstance(rehearsal, Rehearsal)
    return rehearsal
