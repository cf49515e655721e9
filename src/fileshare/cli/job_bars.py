"""Bars on a terminal, for the long jobs of the server's commands. Imported only where there is a terminal."""

from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from fileshare.cli.output import in_words, shown
from fileshare.services.tally import OnProgress, Progress

PATH_WIDTH = 24
"""Columns for the path at hand; the bar and its figures have the others."""


class JobBars:
    """Fills `watching.Watch`: a bar a phase; they vanish at the end, and what came of it is printed."""

    def __init__(self) -> None:
        self._bars = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[size]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[path]}"),
            console=Console(stderr=True),
            transient=True,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._bars.stop()

    def phase(self, what: str) -> OnProgress:
        """See Watch."""
        task = self._bars.add_task(what, total=None, visible=False, size="", path="")

        def show(at: Progress) -> None:
            self._bars.update(
                task,
                completed=at.done,
                total=at.total,
                visible=True,
                size=in_words(at.size),
                path=escape(_end_of(shown(at.path))),
            )

        return show


def _end_of(path: str) -> str:
    """The end of a path, which tells more than its beginning."""
    return path if len(path) <= PATH_WIDTH else "…" + path[1 - PATH_WIDTH :]
