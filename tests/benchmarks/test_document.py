"""Figures in the document, between their markers and nowhere else."""

import pytest

from benchmarks.document import BEGIN, DOCUMENT, END, MarkersMissing, with_figures


def test_figures_replace_the_former_ones_and_nothing_else() -> None:
    text = f"before\n{BEGIN}\n\nold\n\n{END}\nafter\n"

    assert with_figures(text, "new\n") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"


def test_writing_twice_changes_nothing_more() -> None:
    once = with_figures(f"{BEGIN}{END}", "new")

    assert with_figures(once, "new") == once


@pytest.mark.parametrize("text", ["", BEGIN, END, f"{END}{BEGIN}"])
def test_a_document_without_both_markers_is_left_alone(text: str) -> None:
    with pytest.raises(MarkersMissing):
        with_figures(text, "new")


def test_the_document_has_its_markers() -> None:
    assert "new figures" in with_figures(DOCUMENT.read_text(encoding="utf-8"), "new figures")
