"""The files that are moved."""

from pathlib import Path

import pytest

from benchmarks.plan import Content, Load
from benchmarks.sources import WrongContent, compare, files, make, mark, touch_cache

LOAD = Load(size=(1 << 20) + 1, files=7, file_size=100, folders=3)


def test_sources_have_the_sizes_and_numbers_asked_for(tmp_path: Path) -> None:
    made = make(tmp_path / "made", LOAD)
    large, small = made[Content.LARGE], made[Content.SMALL]

    assert large.stat().st_size == LOAD.size
    assert [file.stat().st_size for file in files(small)] == [100] * 7
    assert len(list(small.iterdir())) == 3


def test_a_mark_gives_every_file_a_new_content_of_the_same_size(tmp_path: Path) -> None:
    made = make(tmp_path / "made", LOAD)
    large, small = made[Content.LARGE], made[Content.SMALL]
    before = {file: file.read_bytes() for file in [large, *files(small)]}

    mark(large, 1)
    mark(small, 1)

    for file, content in before.items():
        assert file.read_bytes() != content
        assert file.stat().st_size == len(content)


def test_a_mark_does_not_lengthen_a_tiny_file(tmp_path: Path) -> None:
    small = make(tmp_path / "made", Load(size=0, files=2, file_size=3, folders=1))[Content.SMALL]

    mark(small, 1)

    assert [file.stat().st_size for file in files(small)] == [3, 3]


def test_touching_the_cache_changes_nothing(tmp_path: Path) -> None:
    large = make(tmp_path / "made", LOAD)[Content.LARGE]
    content = large.read_bytes()

    touch_cache(tmp_path)

    assert large.read_bytes() == content


def test_an_equal_tree_passes(tmp_path: Path) -> None:
    small = make(tmp_path / "here", LOAD)[Content.SMALL]
    copy = _copy(small, tmp_path / "there")

    compare(small, copy)


@pytest.mark.parametrize("damage", ["shorter", "longer", "changed", "missing", "additional"])
def test_a_peer_that_delivers_something_else_is_found_out(tmp_path: Path, damage: str) -> None:
    small = make(tmp_path / "here", LOAD)[Content.SMALL]
    copy = _copy(small, tmp_path / "there")
    victim = next(files(copy))
    content = victim.read_bytes()
    match damage:
        case "shorter":
            victim.write_bytes(content[:-1])
        case "longer":
            victim.write_bytes(content + b"x")
        case "changed":
            victim.write_bytes(bytes([content[0] ^ 1]) + content[1:])
        case "missing":
            victim.unlink()
        case "additional":
            (copy / "additional").write_bytes(b"")

    with pytest.raises(WrongContent):
        compare(small, copy)


def _copy(source: Path, target: Path) -> Path:
    for file in files(source):
        copied = target / file.relative_to(source)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_bytes(file.read_bytes())
    return target
