"""Raw rows on disk."""

from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.plan import Work
from tests.benchmarks import rows


def test_a_report_comes_back_as_it_was_written(tmp_path: Path) -> None:
    written = rows.report(rows.sample("a", 1.0), rows.sample("b", 2.0, work=Work.SMALL_UP))
    path = tmp_path / "results" / "one.json"

    report.write(written, path)

    assert report.read(path) == written


@pytest.mark.parametrize("content", [b"", b"{}", b'{"v": 2}', b"[1]"])
def test_what_is_no_report_is_refused_with_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "one.json"
    path.write_bytes(content)

    with pytest.raises(report.Unreadable, match="is no report of a benchmark"):
        report.read(path)
