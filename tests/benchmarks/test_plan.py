"""The order of measurements, and sizes as people write them."""

import pytest

from benchmarks.plan import Content, Load, Step, Work, parse_size, size_text, steps

ALL = frozenset(Work)


def test_peers_take_turns_and_begin_by_turns() -> None:
    order = [
        step.peer for run in range(4) for step in steps(run, [Work.LARGE_UP], {"a": ALL, "b": ALL, "c": ALL})
    ]

    assert "".join(order) == "abcbcacababc"


def test_every_download_follows_the_upload_that_brings_its_bytes() -> None:
    order = list(steps(0, tuple(Work), {"a": ALL, "b": ALL}))

    for step in order:
        assert order.index(Step(0, step.work.origin, step.peer)) <= order.index(step)


def test_no_new_bytes_come_between_an_upload_and_its_downloads() -> None:
    for content in Content:
        origins = [work.origin for work in Work if work.content is content]

        assert origins == sorted(origins, key=origins.index), origins


def test_peers_are_asked_for_what_they_can_and_for_that_once() -> None:
    order = list(steps(0, tuple(Work), {"a": ALL, "b": frozenset({Work.TUS_UP})}))

    assert len(order) == len(set(order)) == len(Work) + 1
    assert Step(0, Work.TUS_UP, "b") in order


@pytest.mark.parametrize(
    ("load", "works"),
    [
        (Load(0, 1, 1, 1), (Work.SMALL_UP, Work.SMALL_DOWN)),
        (Load(1, 0, 1, 1), (Work.LARGE_UP, Work.LARGE_DOWN, Work.HTTP_DOWN, Work.TUS_UP)),
        (Load(0, 0, 1, 1, many=3), (Work.HTTP_MANY,)),
        (Load(1, 1, 1, 1, many=3, only=(Work.TUS_UP,)), (Work.TUS_UP,)),
        (Load(0, 0, 1, 1), ()),
    ],
)
def test_a_size_or_number_of_zero_leaves_that_part_out(load: Load, works: tuple[Work, ...]) -> None:
    assert load.works() == works


def test_titles_say_what_is_moved() -> None:
    load = Load(size=1 << 30, files=10_000, file_size=4096, folders=100)

    assert load.title(Work.LARGE_DOWN) == "1 GiB down"
    assert load.title(Work.SMALL_UP) == "10,000 × 4 KiB in 100 folders, up"


@pytest.mark.parametrize(
    ("text", "size"),
    [("4096", 4096), ("4KiB", 4096), ("4 KiB", 4096), ("1gib", 1 << 30), ("64MiB", 64 << 20), ("0", 0)],
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "KiB", "-1", "1.5GiB", "1TB", "4 KiB KiB", "one"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"), [(1 << 30, "1 GiB"), (64 << 20, "64 MiB"), (4096, "4 KiB"), (1000, "1000 B")]
)
def test_sizes_are_written_in_the_largest_unit_that_fits(size: int, text: str) -> None:
    assert size_text(size) == text


def test_small_files_take_whole_pages_of_the_disk() -> None:
    load = Load(size=1 << 20, files=10, file_size=5, folders=1)

    assert load.bytes_of(Content.LARGE) == 1 << 20
    assert load.bytes_of(Content.SMALL) == 10 * 4096
