"""Puts the latest figures into docs/benchmarks.md, between two markers, and their picture beside it.

It touches nothing outside the markers.
"""

from pathlib import Path

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
PICTURE = DOCUMENT.with_suffix(".svg")
BEGIN = "<!-- figures: begin (written by python -m benchmarks --write-docs) -->"
END = "<!-- figures: end -->"


class MarkersMissing(Exception):
    """The document has no place for the figures."""


def with_figures(text: str, figures: str) -> str:
    """Return the document's text with the new figures in their place; raises MarkersMissing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise MarkersMissing(f"{DOCUMENT.name} needs the lines {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n\n{figures.strip()}\n\n{END}{after}"


def write(figures: str, picture: str) -> None:
    """Write figures and picture; raises MarkersMissing and changes nothing then."""
    shown = f"![Seconds until the data is on disk]({PICTURE.name})\n\n{figures}"
    text = with_figures(DOCUMENT.read_text(encoding="utf-8"), shown)
    PICTURE.write_text(picture, encoding="utf-8")
    DOCUMENT.write_text(text, encoding="utf-8")
