"""The order of measurements, and sizes as people write them."""

import pytest

from benchmarks.plan import Load, Step, Work, parse_size, size_text, steps


def test_peers_take_turns_within_each_kind_of_work() -> None:
    order = [step.peer for step in steps(2, [Work.LARGE_UP], ["a", "b", "c"])]

    assert order == ["a", "b", "c", "a", "b", "c"]


def test_every_download_follows_the_upload_of_its_own_run() -> None:
    load = Load(size=1, files=1, file_size=1, folders=1)
    order = list(steps(3, load.works(), ["a", "b"]))

    for run in range(3):
        for peer in ("a", "b"):
            for up, down in ((Work.LARGE_UP, Work.LARGE_DOWN), (Work.SMALL_UP, Work.SMALL_DOWN)):
                assert order.index(Step(run, up, peer)) < order.index(Step(run, down, peer))


def test_every_peer_does_every_kind_of_work_in_every_run_once() -> None:
    order = list(steps(3, list(Work), ["a", "b"]))

    assert len(order) == len(set(order)) == 3 * 4 * 2


@pytest.mark.parametrize(
    ("load", "works"),
    [
        (Load(0, 1, 1, 1), (Work.SMALL_UP, Work.SMALL_DOWN)),
        (Load(1, 0, 1, 1), (Work.LARGE_UP, Work.LARGE_DOWN)),
        (Load(0, 0, 1, 1), ()),
    ],
)
def test_a_size_or_number_of_zero_leaves_that_half_out(load: Load, works: tuple[Work, ...]) -> None:
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

    assert load.bytes_of(Work.LARGE_DOWN) == 1 << 20
    assert load.bytes_of(Work.SMALL_UP) == 10 * 4096
    assert load.total == (1 << 20) + 10 * 4096
