"""The printed table: complete, aligned, and silent about this machine's paths."""

from dataclasses import replace

from benchmarks.plan import Work
from benchmarks.table import render
from tests.benchmarks.rows import MACHINE, report, sample


def test_a_row_holds_seconds_spread_ratio_processor_and_memory() -> None:
    text = render(report(sample("a", 2.0), sample("b", 1.0, sync=0.5), sample("b", 1.2, sync=0.5, run=1)))

    row = next(line for line in text.splitlines() if line.startswith("| b "))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == [
        "b",
        "1.10",
        "1.00–1.20",
        "0.55",
        "1.60",
        "1.50–1.70",
        "0.80",
        "0.10",
        "0.20",
        "10",
        "20",
    ]


def test_columns_line_up_on_a_terminal() -> None:
    text = render(report(sample("a", 2.0), sample("a much longer name", 123.0)))

    block = text.split("### 1 GiB up\n\n")[1].split("\n\n")[0].splitlines()
    bars = [[place for place, letter in enumerate(line) if letter == "|"] for line in block]
    assert len(block) == 4
    assert all(places == bars[0] for places in bars)


def test_only_kinds_of_work_that_were_measured_get_a_table() -> None:
    text = render(report(sample("a", 1.0, work=Work.SMALL_DOWN)))

    assert "### 10,000 × 4 KiB in 100 folders, down" in text
    assert "### 1 GiB" not in text


def test_the_machine_is_described() -> None:
    text = render(report(sample("a", 1.0)))

    for part in (
        "2025-06-15",
        "2 cores",
        "Some Processor",
        "8 GiB",
        "kernel 6.1",
        "ext4",
        "Python 3.11.2",
        "a 1.0",
    ):
        assert part in text


def test_a_busy_machine_is_said_to_be_busy() -> None:
    busy = replace(MACHINE, load_average=3.0)

    assert "other work" in render(report(sample("a", 1.0), machine=busy))
    assert "other work" not in render(report(sample("a", 1.0)))
