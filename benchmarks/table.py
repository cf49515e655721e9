"""The report as text that reads well on a terminal and is Markdown at the same time.

It names versions, sizes and the machine, and must never show a path of this machine.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from benchmarks import goals
from benchmarks.report import Report
from benchmarks.summary import Spread, Summary, summarise

_MIB = 1 << 20
_GIB = 1 << 30


def render(report: Report) -> str:
    """Return the whole report."""
    peers = [contestant.name for contestant in report.contestants]
    blocks = [_preface(report)]
    for work in report.load.works():
        rows = summarise(report.samples, work, peers)
        if rows:
            blocks.append(f"### {report.load.title(work)}\n\n{lay_out(_head(peers[0]), map(_cells, rows))}")
    blocks.append(f"### Goals\n\n{_goals(report)}")
    blocks.append(_contestants(report))
    return "\n\n".join(blocks) + "\n"


def _preface(report: Report) -> str:
    day = datetime.fromtimestamp(report.began, UTC).date().isoformat()
    machine = report.machine
    lines = [
        f"{day}, interleaved runs: {report.runs}. Each figure is their median, beside it least–most. "
        f"Ratios are a peer's median over {report.contestants[0].name}'s: below 1 it is faster.",
        "",
        f"- Machine: {machine.cores} cores ({machine.processor}), {machine.memory / _GIB:.0f} GiB of memory",
        f"- System: {machine.system}, kernel {machine.kernel}, {machine.file_system}, "
        f"Python {machine.python}",
        *(
            f"- Measured together in {part.runs} runs: {', '.join(part.works)}; load average before "
            f"{part.load_average:.2f}"
            for part in report.parts
        ),
    ]
    if not report.parts:
        lines.append(
            f"- Load average before the first run: {machine.load_average:.2f}"
            + (" (other work ran beside the benchmark)" if machine.is_busy else "")
        )
    return "\n".join(lines)


def _head(reference: str) -> tuple[str, ...]:
    ratio = f"× {reference}"
    seconds = ("wall s", "", ratio, "durable s", "", ratio, "client CPU s", "server CPU s")
    return ("", *seconds, "client MiB", "server MiB")


def _cells(row: Summary) -> tuple[str, ...]:
    return (
        row.peer,
        *_seconds(row.wall),
        _ratio(row.wall_ratio),
        *_seconds(row.durable),
        _ratio(row.durable_ratio),
        f"{row.client_cpu:.2f}",
        f"{row.server_cpu:.2f}",
        f"{row.client_peak / _MIB:.0f}",
        f"{row.server_peak / _MIB:.0f}",
    )


def _seconds(figures: Spread) -> tuple[str, str]:
    return f"{figures.median:.2f}", f"{figures.least:.2f}–{figures.most:.2f}"


def _ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


def _contestants(report: Report) -> str:
    made = (
        (one.name, one.version, _yes(one.syncs_uploads), _yes(one.syncs_downloads), f"{one.start:.2f}")
        for one in report.contestants
    )
    return lay_out(("", "version", "syncs uploads", "syncs downloads", "server start s"), made, texts=2)


def _goals(report: Report) -> str:
    """The ratios are of seconds until the data is on disk; beside them of the command's own."""
    head = ("work", "goal", "verdict", "measured", "wall alone")
    rows = ((work, goal, verdict, *ratios) for work, goal, *ratios, verdict in goals.rows(report))
    return lay_out(head, rows, texts=3)


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"


def lay_out(head: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1) -> str:
    """Lay out a Markdown table whose columns line up: the first `texts` to the left, figures to the right."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    rule = [("-" * (width + 1) + (":" if column >= texts else "-")) for column, width in enumerate(widths)]
    body = [_line(row, widths, texts) for row in lines]
    return "\n".join([body[0], f"|{'|'.join(rule)}|", *body[1:]])


def _line(cells: Sequence[str], widths: Sequence[int], texts: int) -> str:
    padded = [
        cell.rjust(width) if column >= texts else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return f"| {' | '.join(padded)} |"
