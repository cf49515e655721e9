"""Pages by keyset: the next one begins behind the last key of this one, not after a number of rows."""

from typing import Final

SORTED_BY: Final = {"name": "", "size": "e.size", "modified": "e.modified"}
"""What entries are ordered by before their name; with it, the end of an index of `entries`."""


def keyset(keys: list[str], descending: bool, continued: bool) -> tuple[str, str]:
    """The condition for what lies behind the last entry that was shown, and the order."""
    used = [key for key in keys if key]
    order = ", ".join(f"{key} DESC" if descending else key for key in used)
    if not continued:
        return "", order
    places = {"e.name": ":name", "e.id": ":id"}
    last = ", ".join(places.get(key, ":value") for key in used)
    return f"AND ({', '.join(used)}) {'<' if descending else '>'} ({last})", order
