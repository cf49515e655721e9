"""What the scaling sheet found: raw rows, kept as JSON, and their tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.machine import Machine
from benchmarks.table import lay_out

_MIB = 1 << 20


@dataclass(frozen=True)
class Row:
    """One measurement: seconds, and bytes; `size` is what was moved, 0 where that is not the point."""

    sheet: str
    setting: str
    work: str
    run: int
    wall: float
    size: int = 0
    client_cpu: float = 0.0
    server_cpu: float = 0.0
    client_peak: int = 0
    server_peak: int = 0


@dataclass(frozen=True)
class Case:
    """Where on a sheet a measurement stands."""

    sheet: str
    setting: str
    run: int = 0

    def row(self, work: str, wall: float, size: int = 0, *cost: float) -> Row:
        """Return the row of that work; its cost in the order of `Row`."""
        client_cpu, server_cpu, client_peak, server_peak = cost or (0.0, 0.0, 0, 0)
        peaks = (int(client_peak), int(server_peak))
        return Row(self.sheet, self.setting, work, self.run, wall, size, client_cpu, server_cpu, *peaks)


@dataclass(frozen=True)
class Sheets:
    """Everything that one command found out; `began` in seconds since 1970."""

    began: int
    version: str
    machine: Machine
    rows: tuple[Row, ...]


def write(sheets: Sheets, path: Path) -> None:
    """Write the sheets as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(sheets), indent=1) + b"\n")


def render(rows: Iterable[Row]) -> str:
    """Return a table for each sheet, in the order in which they were made."""
    by_sheet: dict[str, dict[tuple[str, str], list[Row]]] = {}
    for row in rows:
        by_sheet.setdefault(row.sheet, {}).setdefault((row.setting, row.work), []).append(row)
    head = (
        "setting",
        "work",
        "seconds",
        "",
        "MiB/s",
        "client CPU s",
        "server CPU s",
        "client MiB",
        "server MiB",
    )
    return "\n".join(
        f"### {sheet}\n\n{lay_out(head, map(_cells, groups.values()), texts=2)}\n"
        for sheet, groups in by_sheet.items()
    )


def _cells(rows: Sequence[Row]) -> tuple[str, ...]:
    first = rows[0]
    walls = sorted(row.wall for row in rows)
    middle = median(walls)
    digits = 2 if middle >= 1 else 4
    return (
        first.setting,
        first.work,
        f"{middle:.{digits}f}",
        f"{walls[0]:.{digits}f}–{walls[-1]:.{digits}f}",
        f"{first.size / middle / _MIB:.1f}" if first.size else "",
        f"{median(row.client_cpu for row in rows):.2f}",
        f"{median(row.server_cpu for row in rows):.2f}",
        f"{max(row.client_peak for row in rows) / _MIB:.0f}",
        f"{max(row.server_peak for row in rows) / _MIB:.0f}",
    )
