"""Orders of packs: what matches by value, between any two entries, on every way of finding it."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fileshare.storage.sqlite import columns, orders, packs, tree
from fileshare.storage.sqlite.orders import Key, Ordered, Pace

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
    """What somebody searches; a number is an entry of the pack."""

    query: str
    after: Key | int | None
    descending: bool


places = st.none() | strangers | st.integers(0, 29)
queries = st.text(st.sampled_from("aAbß.報"), min_size=1, max_size=2)
asked = st.builds(Asked, queries, places, st.booleans())


def kept(files: list[tuple[str, int]], share: float = 1.0) -> tuple[Ordered, list[Key]]:
    """The order of a pack of these names and values under rising ids, and what is in it.

    With a share of 0 lines are tried one by one to the end; with a large one all are looked through.
    """
    entries = [Key(value, name, FIRST + number) for number, (name, value) in enumerate(files)]
    by_name = sorted(entries, key=lambda entry: (entry.name, entry.id))
    packed = packs.pack(FIRST, ((entry.id, entry.name, tree.folded(entry.name)) for entry in by_name))
    starts = columns.to_column("I", columns.to_bytes("I", packs.starts(packed)))
    order = orders.to_order(orders.order([entry.value for entry in by_name]))
    return Ordered(packed, FIRST, starts, order, Pace(share)), entries


@pytest.mark.parametrize("share", [0, 0.1, 9])
@pytest.mark.parametrize("limits", [(1, 1), (64, 2), (8, 4), (4, 16)])
@given(files=files, what=asked)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
def test_all_that_matches_behind_an_entry_is_told_in_order(
    monkeypatch: pytest.MonkeyPatch,
    limits: Sequence[int],
    share: float,
    files: list[tuple[str, int]],
    what: Asked,
) -> None:
    for name, value in zip(("STEP", "ALIKE"), limits, strict=True):
        monkeypatch.setattr(orders, name, value)
    order, entries = kept(files, share)
    after = entries[what.after % len(entries)] if isinstance(what.after, int) else what.after
    query, asked_for = what.query.casefold(), [key for key in entries if key.id % 5]
    found = list(
        order.hits(
            query.encode(),
            wanted=lambda number: (FIRST + number) % 5 > 0,
            after=after,
            descending=what.descending,
        )
    )
    matching = sorted((key for key in asked_for if query in key.name.casefold()), reverse=what.descending)
    behind = [key for key in matching if after is None or (key <= after if what.descending else key >= after)]
    assert set(found) <= set(matching)
    assert found == sorted(found, reverse=what.descending)
    assert [key for key in found if key in behind] == behind


def test_a_full_pack_knows_every_value() -> None:
    order, entries = kept(
        [(f"{number * 7919 % packs.LARGE:05}x", number * 31 % 97) for number in range(packs.LARGE)]
    )
    for descending in (False, True):
        found = order.hits(b"x", wanted=lambda _: True, after=None, descending=descending)
        assert list(found) == sorted(entries, reverse=descending)


def test_a_word_that_is_rare_in_one_pack_is_looked_for_at_once_in_the_next() -> None:
    pace = Pace(share=100 / 65_536)
    pace.note(64, 0)
    assert pace.is_quicker_by_name(b"needle", 65_536, 64, 0)
    pace.note(65_536, 3)
    pace.note(64, 0)
    assert pace.is_quicker_by_name(b"needle", 65_536, 64, 0)


def test_a_word_that_is_common_is_tried_line_by_line_even_behind_packs_without_it() -> None:
    pace = Pace(share=10 / 65_536)
    for _ in range(10):
        pace.note(65_536, 0)
    pace.note(64, 16)
    assert not pace.is_quicker_by_name(b"photo", 65_536, 64, 16)
