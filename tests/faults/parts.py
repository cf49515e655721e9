"""The parts of the long run: what each requires, does and counts."""

import itertools
import os
import random
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.acceptance.report import Row, none_of
from tests.faults.deaths import Deaths, rehearse_apart
from tests.faults.forks import Tell, in_child, in_children
from tests.faults.mishaps import Ends, survived
from tests.faults.model import Clients
from tests.faults.operations import Operation
from tests.faults.power import Disk, NoDisk, disk
from tests.faults.trial import Rehearsal, trial

KILLS = 1000
CUTS = 500
WALKS = 300
"""Through the model, of some dozens of steps each."""


@dataclass(frozen=True)
class Plan:
    """What was asked for on the command line."""

    folder: Path
    operations: Sequence[Operation]
    seed: int
    count: int | None
    say: Callable[[str], None]
    minutes: float = 10
    """For the soak."""

    def chance(self, part: str) -> random.Random:
        """A part's own: it repeats whatever else was run."""
        return random.Random(f"{self.seed} {part}")

    def rehearsals(self, part: str) -> Iterator[Rehearsal]:
        """Each operation, done once without a fault, in a folder of its own."""
        for operation in self.operations:
            place = self.folder / part / operation.name
            place.mkdir(parents=True)
            yield rehearse_apart(operation, place / "template")

    def shares(self, rehearsals: Sequence[Rehearsal]) -> list[Sequence[Rehearsal]]:
        """One for each processor, so that children may work beside each other."""
        many = min(os.cpu_count() or 1, len(rehearsals))
        return [rehearsals[number::many] for number in range(many)]

    def tell_of(self, check: str, trials: int, findings: Sequence[str]) -> None:
        """What came of it, for who watches."""
        for finding in findings:
            self.say(finding)
        self.say(f"{check}: {trials} trials, {len(findings)} findings")


# Errors


def errors(plan: Plan) -> list[Row]:
    """Every mishap at every k of every operation; with a count, at so many k each, drawn by the seed."""
    shares = plan.shares(list(plan.rehearsals("errors")))
    works = [partial(_errors_of, plan, share, number) for number, share in enumerate(shares)]
    found = [found for told in in_children(works) for found in told.values]
    what = f"every k of {len(survived())} mishaps"
    return [none_of(f"errors: {name}", what, findings, trials) for name, trials, findings in sorted(found)]


def _errors_of(plan: Plan, share: Sequence[Rehearsal], number: int, tell: Tell) -> None:
    place = plan.folder / f"place-{number}"
    place.mkdir(exist_ok=True)
    for rehearsal in share:
        trials, findings = 0, list[str]()
        name = rehearsal.operation.name
        chance = plan.chance(f"errors {name}")
        for make in survived():
            for k in every_k(plan.count, chance):
                came, found = trial(rehearsal, place / "data", make(), k)
                findings += found
                if not came:
                    break
                trials += 1
        plan.tell_of(f"errors: {name}", trials, findings)
        tell((name, trials, findings))


def every_k(count: int | None, chance: random.Random) -> Iterable[int]:
    """1, 2, 3 … until the caller has enough; with a count, so many that the chance draws."""
    return itertools.count(1) if count is None else sorted(chance.sample(range(1, 60), min(count, 59)))


# Deaths


def kills(plan: Plan) -> list[Row]:
    """`kill -9` at every k of every operation, then at ten k of its recovery in a row."""
    died, findings = _deaths(plan, "kills", plan.folder / "place", KILLS)
    return [none_of("kill -9 at every k, and ten times in recovery", "findings", findings, died)]


def cuts(plan: Plan) -> list[Row]:
    """The same with the power. Raises NoDisk."""
    folder = plan.folder / "power"
    folder.mkdir()
    with ExitStack() as stack:
        try:
            made = stack.enter_context(disk(folder))
        except NoDisk as error:
            return [
                Row(
                    "power cut at every k, and ten times in recovery",
                    "findings: none",
                    f"0 of 0: {error}",
                    True,
                )
            ]
        died, findings = _deaths(plan, "cuts", made.place, CUTS, made)
    return [none_of("power cut at every k, and ten times in recovery", "findings", findings, died)]


def _deaths(
    plan: Plan, part: str, place: Path, required: int, made: Disk | None = None
) -> tuple[int, list[str]]:
    """How many died, and what was wrong; at least as many as are required, or as were asked for."""
    end = Ends() if made is None else Ends(made.cut, name="power cut")
    died, findings, chance = 0, list[str](), plan.chance(part)
    ks = dict[str, int]()
    deaths = [Deaths(rehearsal, place, end, made) for rehearsal in plan.rehearsals(part)]
    wanted = required if plan.count is None else plan.count
    if plan.count is None:
        for one in deaths:
            for dead, found in one.every():
                died, findings = died + dead, findings + found
            plan.say(f"{part}: {died} died, {one.rehearsal.operation.name} at every k")
    while died < wanted:
        one = chance.choice(deaths)
        name = one.rehearsal.operation.name
        ks.setdefault(name, one.calls())
        count, found = one.die_again(chance.randint(1, ks[name]), chance)
        died, findings = died + count, findings + found
        plan.say(f"{part}: {died} of {wanted} died")
    for finding in findings:
        plan.say(finding)
    return died, findings


# Walks through the model


def walks(plan: Plan) -> list[Row]:
    """Several clients, faults in between; the first step that is wrong is printed with those before it."""
    wanted = WALKS if plan.count is None else plan.count
    (findings,) = in_child(partial(_walk, plan.seed, wanted)).values
    return [none_of("walks of many clients through the model", "findings", findings, wanted)]


def _walk(number: int, wanted: int, tell: Tell) -> None:
    every = settings(
        max_examples=wanted,
        stateful_step_count=60,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(seed(number)(Clients), settings=every)
    except Exception as error:
        traceback.print_exc()
        tell([f"{type(error).__name__}: {error}"])
    else:
        tell([])
