"""Puts the latest figures into docs/benchmarks.md, between two markers, and touches nothing outside them."""

from pathlib import Path

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
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


def write(figures: str) -> None:
    """Write the figures into the document; raises MarkersMissing and changes nothing then."""
    DOCUMENT.write_text(with_figures(DOCUMENT.read_text(encoding="utf-8"), figures), encoding="utf-8")
