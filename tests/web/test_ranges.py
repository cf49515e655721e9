"""The Range header, by RFC 9110, section 14; and as a weapon."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fileshare.web.ranges import MAX_RANGES, Span, parse_ranges

WHOLE = None
NOTHING: list[Span] = []

CASES = [
    # What is asked for, and what that is of 1000 bytes.
    ("bytes=0-0", [Span(0, 1)]),
    ("bytes=0-499", [Span(0, 500)]),
    ("bytes=500-999", [Span(500, 1000)]),
    ("bytes=500-", [Span(500, 1000)]),
    ("bytes=0-", [Span(0, 1000)]),
    ("bytes=-500", [Span(500, 1000)]),
    ("bytes=-1", [Span(999, 1000)]),
    ("bytes=-5000", [Span(0, 1000)]),
    ("bytes=999-", [Span(999, 1000)]),
    ("bytes=990-2000", [Span(990, 1000)]),
    ("BYTES=0-0", [Span(0, 1)]),
    ("bytes = 0-0", [Span(0, 1)]),
    ("bytes=0-0,", [Span(0, 1)]),
    ("bytes=, ,0-0 ,\t", [Span(0, 1)]),
    ("bytes=0-0,-1", [Span(0, 1), Span(999, 1000)]),
    ("bytes=-1,0-0", [Span(999, 1000), Span(0, 1)]),
    ("bytes=0-99,50-149", [Span(0, 150)]),
    ("bytes=0-99,100-149", [Span(0, 150)]),
    ("bytes=0-0,100-100", [Span(0, 101)]),
    ("bytes=0-0,500-500,250-250,1-1", [Span(0, 2), Span(500, 501), Span(250, 251)]),
    ("bytes=0-0,900-999,-1", [Span(0, 1), Span(900, 1000)]),
    ("bytes=0-0,2000-", [Span(0, 1)]),
    # Beyond the end.
    ("bytes=1000-", NOTHING),
    ("bytes=1000-1000", NOTHING),
    ("bytes=-0", NOTHING),
    ("bytes=2000-3000,-0", NOTHING),
    (f"bytes={'9' * 5000}-", NOTHING),
    (f"bytes=0-{'9' * 5000}", [Span(0, 1000)]),
    (f"bytes=-{'9' * 5000}", [Span(0, 1000)]),
    ("bytes=00000000000000000000000000005-5", [Span(5, 6)]),
    # Not understood, and so ignored.
    ("items=0-5", WHOLE),
    ("seconds=1-2", WHOLE),
    ("bytes", WHOLE),
    ("bytes=", WHOLE),
    ("bytes=,", WHOLE),
    ("bytes=-", WHOLE),
    ("bytes=abc", WHOLE),
    ("bytes=5-2", WHOLE),
    ("bytes=0-1,5-2", WHOLE),
    ("bytes=0-1,x", WHOLE),
    ("bytes=1 - 2", WHOLE),
    ("bytes=+1-2", WHOLE),
    ("bytes=--1", WHOLE),
    ("bytes=0x0-1", WHOLE),
    ("bytes=1_0-20", WHOLE),
    ("bytes=٠-١", WHOLE),
    ("0-5", WHOLE),
    ("", WHOLE),
]


@pytest.mark.parametrize(("told", "spans"), CASES, ids=lambda value: str(value)[:40])
def test_range_means_what_the_standard_says(told: str, spans: list[Span] | None) -> None:
    assert parse_ranges([told], 1000) == spans


def test_no_header_and_two_of_them_mean_the_whole() -> None:
    assert parse_ranges([], 10) is None
    assert parse_ranges(["bytes=0-0", "bytes=1-1"], 10) is None


def test_empty_file_has_no_first_byte_and_its_last_bytes_are_all_of_it() -> None:
    assert parse_ranges(["bytes=0-"], 0) == []
    assert parse_ranges(["bytes=-5"], 0) is None
    assert parse_ranges(["bytes=-0"], 0) == []


def test_thousands_of_tiny_ranges_are_ignored() -> None:
    many = "bytes=" + ",".join(f"{n * 1000}-{n * 1000}" for n in range(MAX_RANGES + 1))
    assert parse_ranges([many], 10**9) is None
    fewer = many.rpartition(",")[0]
    assert len(parse_ranges([fewer], 10**9) or ()) == MAX_RANGES


@given(
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000)), min_size=1, max_size=MAX_RANGES),
    st.integers(1, 2000),
)
def test_spans_cover_what_was_asked_for_and_never_overlap(asked: list[tuple[int, int]], size: int) -> None:
    pairs = [(min(pair), max(pair)) for pair in asked]
    spans = parse_ranges(["bytes=" + ",".join(f"{first}-{last}" for first, last in pairs)], size)
    assert spans is not None
    covered = [byte for span in spans for byte in range(span.start, span.stop)]
    assert len(covered) == len(set(covered))
    assert {byte for first, last in pairs for byte in range(first, min(last + 1, size))} <= set(covered)
    assert all(0 <= span.start < span.stop <= size for span in spans)


@given(st.text(alphabet="bytes=0123456789-, \t", max_size=60), st.integers(0, 100))
def test_no_header_is_too_odd(told: str, size: int) -> None:
    for span in parse_ranges([told], size) or ():
        assert 0 <= span.start < span.stop <= size
