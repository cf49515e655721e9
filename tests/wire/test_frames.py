"""Headers: eight bytes, and no length over the limit gets past them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fileshare.errors import ProtocolError
from fileshare.wire.frames import HEADER_SIZE, Kind, pack, unpack_message, unpack_segment

LENGTHS = st.integers(0, 2**32 - 1)


@given(LENGTHS)
def test_a_message_header_is_version_1s_plain_length(length: int) -> None:
    assert pack(Kind.MESSAGE, length) == struct.pack(">Q", length)
    assert unpack_message(pack(Kind.MESSAGE, length), length) == length


@pytest.mark.parametrize("kind", [Kind.DATA, Kind.END, Kind.ABORT])
@given(length=LENGTHS.filter(bool))
def test_a_segment_header_holds_its_kind_and_length(kind: Kind, length: int) -> None:
    header = pack(kind, length)
    assert len(header) == HEADER_SIZE
    assert unpack_segment(header, length, length) == (kind, length)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**32))
def test_a_message_over_the_limit_is_refused_by_its_header_alone(length: int, limit: int) -> None:
    header = struct.pack(">Q", length)
    if length <= limit:
        assert unpack_message(header, limit) == length
    else:
        with pytest.raises(ProtocolError, match=f"over the limit of {limit} bytes"):
            unpack_message(header, limit)


@pytest.mark.parametrize("kind", [Kind.DATA, Kind.END, Kind.ABORT])
def test_a_segment_is_not_taken_for_a_message(kind: Kind) -> None:
    with pytest.raises(ProtocolError):
        unpack_message(pack(kind, 0), 64 << 20)


@pytest.mark.parametrize(("kind", "limit"), [(Kind.DATA, 4 << 20), (Kind.END, 4096), (Kind.ABORT, 4096)])
def test_a_segment_over_its_limit_is_refused(kind: Kind, limit: int) -> None:
    assert unpack_segment(pack(kind, limit), 4 << 20, 4096) == (kind, limit)
    with pytest.raises(ProtocolError, match="over the limit"):
        unpack_segment(pack(kind, limit + 1), 4 << 20, 4096)


def test_a_flood_of_empty_segments_is_refused() -> None:
    with pytest.raises(ProtocolError, match="without bytes"):
        unpack_segment(pack(Kind.DATA, 0), 4 << 20, 4096)


@given(st.binary(min_size=8, max_size=8))
def test_any_eight_bytes_are_a_segment_or_refused(header: bytes) -> None:
    try:
        kind, length = unpack_segment(header, 4 << 20, 4096)
    except ProtocolError:
        return
    assert header[1:4] == b"\0\0\0"
    assert pack(kind, length) == header
