"""Orders of packs: what matches by value, between any two entries, on every way of finding it."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fileshare.storage.sqlite import orders, packs, tree
from fileshare.storage.sqlite.orders import Key, Ordered

FIRST = 4097
values = st.sampled_from([-9, 0, 5, 2**62])
files = st.lists(
    st.tuples(st.text(st.sampled_from("aAbBßéÉ報."), min_size=1, max_size=3), values), min_size=1, max_size=30
)
strangers = st.builds(
    Key, st.sampled_from([-9, -1, 0, 5, 6, 2**62]), st.sampled_from(["", "a", "B", "報x"]), st.just(0)
)
"""Entries of other packs."""


class Asked(NamedTuple):
    """What somebody searches; numbers are entries of the pack."""

    query: str
    after: Key | int | None
    last: Key | int | None
    descending: bool
    looked: bool


places = st.none() | strangers | st.integers(0, 29)
queries = st.text(st.sampled_from("aAbß.報"), min_size=1, max_size=2)
asked = st.builds(Asked, queries, places, places, st.booleans(), st.booleans())


def kept(files: list[tuple[str, int]]) -> tuple[Ordered, bytes, list[Key]]:
    """The order of a pack of these names and values under rising ids, the pack, and what is in it."""
    entries = [Key(value, name, FIRST + number) for number, (name, value) in enumerate(files)]
    by_name = sorted(entries, key=lambda entry: (entry.name, entry.id))
    packed = packs.pack(FIRST, ((entry.id, entry.name, tree.folded(entry.name)) for entry in by_name))
    return Ordered(packed, FIRST, orders.order(packed, [entry.value for entry in by_name])), packed, entries


@pytest.mark.parametrize("limits", [(1, 1, 1), (0, 0, 0), (8, 1, 4), (250, 16, 16)])
@given(files=files, what=asked)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_all_that_matches_between_two_entries_is_told_in_order(
    monkeypatch: pytest.MonkeyPatch, limits: Sequence[int], files: list[tuple[str, int]], what: Asked
) -> None:
    for name, value in zip(("FEW_LINES", "WALKED", "ALIKE"), limits, strict=True):
        monkeypatch.setattr(orders, name, value)
    order, packed, entries = kept(files)
    after, last = (
        entries[place % len(entries)] if isinstance(place, int) else place
        for place in (what.after, what.last)
    )
    query = what.query.casefold()
    at = packed.find(query.encode()) if what.looked else None
    found = list(order.hits(query.encode(), at=at, after=after, last=last, descending=what.descending))
    matching = sorted((key for key in entries if query in key.name.casefold()), reverse=what.descending)
    low, high = (last, after) if what.descending else (after, last)
    between = [key for key in matching if (low is None or key >= low) and (high is None or key <= high)]
    assert set(found) <= set(matching)
    assert found == sorted(found, reverse=what.descending)
    assert [key for key in found if key in between] == between


def test_a_full_pack_knows_every_value() -> None:
    order, _, entries = kept(
        [(f"{number * 7919 % 4096:05}x", number * 31 % 97) for number in range(packs.SIZE)]
    )
    for descending in (False, True):
        found = order.hits(b"x", at=None, after=None, last=None, descending=descending)
        assert list(found) == sorted(entries, reverse=descending)
