"""How much disk a benchmark needs."""

from benchmarks.plan import Load, Work
from benchmarks.space import needed

MIB = 1 << 20
UP_AND_DOWN = frozenset({Work.LARGE_UP, Work.LARGE_DOWN, Work.SMALL_UP, Work.SMALL_DOWN})


def test_large_files_count_once_and_trees_for_every_run() -> None:
    large = Load(size=MIB, files=0, file_size=0, folders=1)
    small = Load(size=0, files=256, file_size=4096, folders=1)

    assert needed(large, 5, [UP_AND_DOWN]) - needed(large, 5, []) == 2 * MIB
    assert needed(small, 5, [UP_AND_DOWN]) - needed(small, 5, []) == 5 * 2 * MIB


def test_what_is_only_served_and_what_is_only_stored_takes_two_copies() -> None:
    load = Load(size=MIB, files=0, file_size=0, folders=1)

    for works in ({Work.HTTP_DOWN}, {Work.TUS_UP}):
        assert needed(load, 5, [works]) - needed(load, 5, []) == 2 * MIB
