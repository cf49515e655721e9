"""Digests: 64 hex digits, told in lower case."""

import hashlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fileshare.domain.digest import EMPTY, Sha256, digest_of, digest_of_small, parse_digest
from fileshare.errors import BadDigest


@given(st.binary())
def test_every_digest_is_taken_in_either_case(data: bytes) -> None:
    digest = hashlib.sha256(data).hexdigest()
    assert parse_digest(digest) == parse_digest(digest.upper()) == digest == digest_of(data)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc123",
        EMPTY[:-1],
        EMPTY + "0",
        EMPTY + "\n",
        " " + EMPTY[1:],
        "0x" + EMPTY[2:],
        "g" + EMPTY[1:],
        "٣" * 64,  # digits, but not hexadecimal ones
        "\ud800" * 64,
        "x" * 100_000,
    ],
)
def test_other_texts_are_refused_in_a_short_printable_sentence(text: str) -> None:
    with pytest.raises(BadDigest) as failure:
        parse_digest(text)
    assert failure.value.message.isprintable()
    assert len(failure.value.message) < 1000


@given(st.text(max_size=70))
def test_any_text_is_a_digest_or_refused(text: str) -> None:
    with suppress(BadDigest):
        assert len(bytes.fromhex(parse_digest(text))) == 32


@given(st.lists(st.binary()))
def test_pieces_have_the_digest_of_the_whole(pieces: list[bytes]) -> None:
    running = Sha256()
    for piece in pieces:
        running.update(piece)
    assert running.hexdigest() == digest_of(b"".join(pieces))


@pytest.mark.parametrize("size", [0, 1, 2046, 2047, 2048, 4094, 4095, 65536])
def test_a_small_content_has_the_same_digest_in_pieces(size: int) -> None:
    data = bytes(range(251)) * (size // 251 + 1)
    assert digest_of_small(data[:size]) == digest_of_small(memoryview(data)[:size]) == digest_of(data[:size])
