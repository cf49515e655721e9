"""The scaling sheet: how far it goes, what it shows, and several commands as one."""

import sys
from pathlib import Path

import pytest

from benchmarks import measure
from benchmarks.peer import Command, program
from benchmarks.scale import SMALL, WHOLE, extent, parser
from benchmarks.scaling.bench import together
from benchmarks.scaling.rows import Case, Sheets, render, write
from tests.benchmarks.rows import MACHINE

ENVIRON = {"PATH": "/usr/bin:/bin"}
CASE = Case("Sizes", "1 MiB")


def test_without_arguments_it_goes_as_far_as_the_issue_asks() -> None:
    whole = extent(parser().parse_args([]))

    assert whole == WHOLE
    assert (whole.parallel[-1], whole.sizes[0], whole.sizes[-1]) == (64, 4 << 10, 10 << 30)
    assert (whole.files[0], whole.files[-1], whole.round_trips[-1]) == (1, 1_000_000, 100)


def test_it_can_be_cut_short() -> None:
    line = ["--most-parallel", "4", "--most-size", "1MiB", "--most-files", "100", "--line-size", "2MiB"]
    cut = extent(parser().parse_args(line))

    assert (cut.parallel, cut.sizes) == ((1, 2, 4), (4 << 10, 64 << 10, 1 << 20))
    assert (cut.files, cut.line_size) == ((1, 100), 2 << 20)
    assert extent(parser().parse_args(["--small"])) == SMALL


def test_a_table_shows_medians_and_rates() -> None:
    rows = [Case("Sizes", "1 MiB", run).row("up", wall, 1 << 20) for run, wall in enumerate((4.0, 2.0, 1.0))]

    text = render(rows)

    assert "### Sizes" in text
    (line,) = (line for line in text.splitlines() if "1 MiB" in line)
    assert [cell.strip() for cell in line.split("|")[1:6]] == ["1 MiB", "up", "2.00", "1.00–4.00", "0.5"]


def test_every_raw_row_is_kept(tmp_path: Path) -> None:
    rows = (CASE.row("up", 1.0, 1 << 20, 0.1, 0.2, 10, 20), CASE.row("down", 2.0))

    write(Sheets(1, "fileshare 0", MACHINE, rows), tmp_path / "new" / "sheets.json")

    text = (tmp_path / "new" / "sheets.json").read_text()
    assert text.count('"setting": "1 MiB"') == 2
    assert '"server_peak": 20' in text


@pytest.mark.skipif(sys.platform != "linux", reason="the benchmark reads /proc")
def test_commands_at_once_are_one_that_fails_where_one_does(tmp_path: Path) -> None:
    names = [tmp_path / "a b", tmp_path / "c'd", tmp_path / "e"]
    copies = [Command((program("cp"), "--", "/dev/null", str(name))) for name in names]
    measure.run(together(copies), ENVIRON, tmp_path / "log", 60, list)
    assert all(name.exists() for name in names)

    copies[1] = Command((program("cp"), "--", "/no such file", str(names[1])))
    with pytest.raises(measure.CommandFailed):
        measure.run(together(copies), ENVIRON, tmp_path / "log", 60, list)


@pytest.mark.skipif(sys.platform != "linux", reason="the benchmark reads /proc")
def test_a_single_command_is_run_as_well(tmp_path: Path) -> None:
    copy = Command((program("cp"), "--", "/dev/null", str(tmp_path / "a")))

    measure.run(together([copy]), ENVIRON, tmp_path / "log", 60, list)

    assert (tmp_path / "a").exists()
