"""Upload-Metadata in whatever form: understood, or refused as a bad request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fileshare.errors import BadRequest
from fileshare.web.tus.metadata import new_upload, parse
from fileshare.web.tus.notes import Note
from tests.web.tus import metadata

KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=","), min_size=1)
VALUES = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(KEYS, VALUES))
def test_what_a_client_encodes_comes_back(told: dict[str, str]) -> None:
    assert parse(metadata(**told)) == told


def test_key_may_have_no_value() -> None:
    assert parse("secret,filename YQ==") == {"secret": "", "filename": "a"}


@given(st.text())
def test_any_text_is_understood_or_refused(text: str) -> None:
    try:
        told = parse(text)
        assert new_upload(told, 1, "").path
    except BadRequest:
        pass


@given(VALUES.filter(lambda text: "\n" not in text), st.sampled_from(["", "partial", "final;/tus/a /tus/b"]))
def test_what_was_told_is_kept_word_for_word(text: str, concat: str) -> None:
    assert Note.of(Note(text, concat).text()) == Note(text, concat)


@pytest.mark.parametrize("text", ["filename", "filename ", "name ,filename "])
def test_empty_name_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        new_upload(parse(text), 1, "")
