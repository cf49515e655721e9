"""What issue 4's "It is done when" asks for, beside what was measured; pure arithmetic.

It must call nothing met that was not measured in this very run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.plan import Load, Work
from benchmarks.report import Report, Sample

_OURS = "fileshare"

# What the goals are about, and how often it is measured at least.
_LOAD = Load(size=1 << 30, files=10_000, file_size=4096, folders=100, many=200, many_size=1 << 20)
_RUNS = 5


@dataclass(frozen=True)
class Goal:
    """fileshare's durable median at most `most` times the best of these peers'."""

    work: Work
    most: float
    peers: tuple[str, ...] = ()
    """Nobody named: everyone who did that work."""


GOALS = (
    Goal(Work.LARGE_UP, 1.0),
    Goal(Work.LARGE_UP, 0.45, ("scp",)),
    Goal(Work.LARGE_UP, 0.55, ("copyparty",)),
    Goal(Work.LARGE_DOWN, 0.80, ("nginx",)),
    Goal(Work.LARGE_DOWN, 1.2, ("rsync",)),
    Goal(Work.SMALL_UP, 1.0, ("rsync",)),
    Goal(Work.SMALL_UP, 0.12, ("scp",)),
    Goal(Work.SMALL_UP, 0.05, ("copyparty",)),
    Goal(Work.SMALL_DOWN, 1.0, ("rsync",)),
    Goal(Work.HTTP_DOWN, 1.0, ("nginx",)),
    Goal(Work.HTTP_MANY, 1.0, ("nginx",)),
    Goal(Work.TUS_UP, 1.0, ("tus",)),
    Goal(Work.TUS_UP, 0.8, ("copyparty",)),
)

ELSEWHERE = (
    ("processor time of 1 GiB up", "≤ 1.15 × two hashes and the copies", "upload-cost"),
    ("LIST while 8 × 1 GiB come in", "p99 < 10 ms, no stall over 100 ms", "busy-lists"),
    ("resume with 9 of 10 GiB there", "first byte ≤ 150 ms, ≤ 1.15 × a fresh 1 GiB", "big-resume"),
    ("checkpoints", "≤ 3 % of an upload's time", "checkpoints"),
    ("1,000 idle connections", "≤ 16 KiB each", "idle"),
    ("memory, 64 up and 64 down of 1 GiB", "server ≤ 256 MiB", "many-at-once"),
    ("first page and search of 1,000,000 files", "≤ 10 ms; ≤ 50 ms", "listing"),
    ("a file already there, sent again", "no content bytes", "known-file"),
)
"""The rows that no comparison with a peer decides, and the check of `make acceptance` that measures them."""


@dataclass(frozen=True)
class Verdict:
    """A goal beside what was measured; `measured` is None where somebody needed was not there."""

    goal: Goal
    against: str
    measured: float | None
    wall: float | None
    runs: int

    @property
    def text(self) -> str:
        """Say whether it is met; too few runs prove nothing."""
        if self.measured is None:
            return "not measured"
        met = "met" if self.measured <= self.goal.most else "missed"
        return met if self.runs >= _RUNS else f"{met}, by {self.runs} of {_RUNS} runs"


def judge(report: Report) -> list[Verdict]:
    """Judge every goal by the report's medians."""
    return [_judge(goal, report.samples) for goal in GOALS]


def rows(report: Report) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield the rows of the goals table: work, goal, measured, the same by the clock alone, verdict.

    A verdict on other sizes than the goal's says so.
    """
    for verdict in judge(report):
        goal = f"≤ {verdict.goal.most:.2f} × {verdict.against}"
        measured = (_ratio(verdict.measured), _ratio(verdict.wall))
        work = _LOAD.title(verdict.goal.work)
        moved = report.load.title(verdict.goal.work)
        text = verdict.text if moved == work or verdict.measured is None else f"{verdict.text}, of {moved}"
        yield work, goal, *measured, text
    for work, goal, where in ELSEWHERE:
        yield work, goal, "", "", f"`make acceptance ARGS='--only {where}'`"


def _judge(goal: Goal, samples: Sequence[Sample]) -> Verdict:
    ours = [sample for sample in samples if sample.work is goal.work and sample.peer == _OURS]
    theirs = _best(goal, samples)
    against = " or ".join(goal.peers) or "the best peer"
    if not ours or not theirs:
        return Verdict(goal, against, None, None, 0)
    if not goal.peers:
        against += f" ({theirs[0].peer})"
    measured = median(sample.durable for sample in ours) / median(sample.durable for sample in theirs)
    wall = median(sample.wall for sample in ours) / median(sample.wall for sample in theirs)
    return Verdict(goal, against, measured, wall, min(len(ours), len(theirs)))


def _best(goal: Goal, samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples of the fastest of those that the goal names."""
    by_peer: dict[str, list[Sample]] = {}
    for sample in samples:
        wanted = sample.peer in goal.peers if goal.peers else sample.peer != _OURS
        if sample.work is goal.work and wanted:
            by_peer.setdefault(sample.peer, []).append(sample)
    return min(by_peer.values(), key=lambda rows: median(row.durable for row in rows), default=[])


def _ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"
