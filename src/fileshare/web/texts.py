"""Sizes, durations and times as pages write them."""

from datetime import UTC, datetime

_DURATIONS = ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))

_UNITS = ("kB", "MB", "GB", "TB", "PB", "EB")


def iso_text(milliseconds: int) -> str:
    """A time for programs, and for our module that shows it in the reader's own zone."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).isoformat()[:19] + "Z"


def moment_text(milliseconds: int) -> str:
    """A time for people without JavaScript."""
    return moment_of(iso_text(milliseconds))


def moment_of(iso: str) -> str:
    """The same of a time that `iso_text` wrote; taking it apart costs less than making it anew."""
    return f"{iso[:10]} {iso[11:16]} UTC"


def size_text(size: int) -> str:
    """Bytes for people, in decimal units as disks are sold: `4.2 MB`."""
    if size < 1000:
        return f"{size} B"
    amount, larger = size / 1000, iter(_UNITS)
    unit = next(larger)
    while amount >= 999.5:
        amount, unit = amount / 1000, next(larger)
    return f"{amount:.1f} {unit}" if amount < 9.95 else f"{amount:.0f} {unit}"


def duration_text(seconds: float) -> str:
    """How long something takes, in its two largest units: `2 h 5 min`."""
    left = max(round(seconds), 1)
    for size, unit, smaller_size, smaller in _DURATIONS:
        if left >= size:
            rest = left % size // smaller_size
            return f"{left // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{left} s"
