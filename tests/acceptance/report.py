"""What a check found, and the table at the end."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what was required, what was measured, and whether that is enough."""

    check: str
    required: str
    measured: str
    passed: bool


def table(rows: Sequence[Row]) -> str:
    """All rows, aligned."""
    cells = [("check", "required", "measured", "verdict")]
    cells += [(row.check, row.required, row.measured, "pass" if row.passed else "FAIL") for row in rows]
    widths = [max(len(cell[column]) for cell in cells) for column in range(4)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(cell, widths, strict=True)) for cell in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def none_of(check: str, what: str, found: Sequence[str], of: int) -> Row:
    """A row for things that must not happen; names the first that did."""
    measured = f"0 of {of}" if not found else f"{len(found)} of {of}: {found[0]}"
    return Row(check, f"{what}: none", measured, not found)
