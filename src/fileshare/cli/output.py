"""How the server's commands print what they list: aligned for people, JSON lines for programs."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from fileshare.printable import printable

STEPS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def print_json(**fields: object) -> None:
    """One object on one line; text that is not ASCII stays as it is."""
    print(json.dumps(fields, ensure_ascii=True))


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as their widest cell."""
    table = [head, *rows]
    widths = [max(len(line[column]) for line in table) for column in range(len(head))]
    for line in table:
        print("  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())


def seconds(milliseconds: int | None) -> float | None:
    """Times in JSON are seconds since 1970."""
    return None if milliseconds is None else milliseconds / 1000


def day_and_time(milliseconds: int | None) -> str:
    """A time as this machine's clock shows it."""
    if milliseconds is None:
        return "never"
    return datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def in_words(size: int) -> str:
    """Bytes in the unit that leaves up to four digits."""
    amount = float(size)
    for unit in STEPS:
        if amount < 1024 or unit == STEPS[-1]:
            return f"{size} bytes" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError("the last unit takes any size")


def shown(text: str) -> str:
    """Text on one line of a terminal: what it can't show is escaped, so that no name can forge a line."""
    return printable(text)
