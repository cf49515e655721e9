"""The report as one picture: a bar for each peer at each kind of work, as plain SVG.

Bars are durable seconds, each kind of work on its own scale; the figure stands beside its bar. It draws with
shapes and text alone, which every browser shows in light and dark.
"""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from benchmarks.report import Report
from benchmarks.summary import Summary, summarise

_WIDTH, _LEFT, _RIGHT = 760, 110, 150
_BAR, _GAP, _HEAD = 16, 6, 40
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1d2730}.title{font-weight:600}.ours{fill:#0b7285}"
    ".peer{fill:#9aa7b1}.sync{fill:#c9d2d9}@media(prefers-color-scheme:dark)"
    "{text{fill:#e4eaee}.ours{fill:#3bc9db}.peer{fill:#71808c}.sync{fill:#4d5963}}"
)


def draw(report: Report) -> str:
    """Return the SVG."""
    peers = [contestant.name for contestant in report.contestants]
    shapes: list[str] = []
    top = _GAP
    for work in report.load.works():
        rows = summarise(report.samples, work, peers)
        if rows:
            shapes.append(_text(_GAP, top + 20, report.load.title(work), "title"))
            shapes += _bars(rows, top + _HEAD - _GAP, peers[0])
            top += _HEAD + len(rows) * (_BAR + _GAP) + _GAP
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top}" role="img">'
    about = "<title>Seconds until the data is on disk, medians; shorter is better</title>"
    return "\n".join([head, about, f"<style>{_STYLE}</style>", *shapes, "</svg>"]) + "\n"


def _bars(rows: Sequence[Summary], top: int, ours: str) -> list[str]:
    """Draw a kind's bars: the command's own time, and paler what the sync took after it."""
    scale = (_WIDTH - _LEFT - _RIGHT) / max(row.durable.median for row in rows)
    shapes = []
    for place, row in enumerate(rows):
        y = top + place * (_BAR + _GAP)
        whole = row.durable.median * scale
        kind = "ours" if row.peer == ours else "peer"
        shapes += [
            _text(_LEFT - _GAP, y + 12, row.peer, "", "end"),
            _bar(_LEFT, y, whole, "sync"),
            _bar(_LEFT, y, min(whole, row.wall.median * scale), kind),
            _text(_LEFT + whole + _GAP, y + 12, _figure(row)),
        ]
    return shapes


def _figure(row: Summary) -> str:
    ratio = "" if row.durable_ratio is None else f" (× {row.durable_ratio:.2f})"
    return f"{row.durable.median:.2f} s{ratio}"


def _bar(x: float, y: float, width: float, kind: str) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_BAR}"/>'


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
