"""From single measurements to medians, spreads and ratios; pure arithmetic."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.plan import Work
from benchmarks.report import Sample


@dataclass(frozen=True)
class Spread:
    """The median of some figures and their extremes."""

    median: float
    least: float
    most: float


@dataclass(frozen=True)
class Summary:
    """One peer at one kind of transfer; a ratio is its median over the reference's, where there is one."""

    peer: str
    wall: Spread
    wall_ratio: float | None
    durable: Spread
    durable_ratio: float | None
    client_cpu: float
    server_cpu: float
    client_peak: int
    server_peak: int


def spread(figures: Iterable[float]) -> Spread:
    """Summarise at least one figure."""
    ordered = sorted(figures)
    return Spread(median(ordered), ordered[0], ordered[-1])


def summarise(samples: Iterable[Sample], work: Work, peers: Sequence[str]) -> list[Summary]:
    """Summarise one kind of transfer, a row for each peer with samples; the first named is the reference."""
    rows = _by_peer(sample for sample in samples if sample.work == work)
    reference = rows.get(peers[0], [])
    return [_summary(rows[peer], reference) for peer in peers if peer in rows]


def _by_peer(samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = {}
    for sample in samples:
        found.setdefault(sample.peer, []).append(sample)
    return found


def _summary(rows: list[Sample], reference: list[Sample]) -> Summary:
    wall = spread(row.wall for row in rows)
    durable = spread(row.durable for row in rows)
    return Summary(
        peer=rows[0].peer,
        wall=wall,
        wall_ratio=_ratio(wall, [row.wall for row in reference]),
        durable=durable,
        durable_ratio=_ratio(durable, [row.durable for row in reference]),
        client_cpu=median(row.client_cpu for row in rows),
        server_cpu=median(row.server_cpu for row in rows),
        client_peak=max(row.client_peak for row in rows),
        server_peak=max(row.server_peak for row in rows),
    )


def _ratio(own: Spread, reference: list[float]) -> float | None:
    return own.median / median(reference) if reference else None
