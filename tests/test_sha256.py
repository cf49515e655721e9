"""A SHA-256 that is put aside and gone on with, held against hashlib's."""

import ctypes
import hashlib
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fileshare import sha256 as module
from fileshare.sha256 import restored, sha256

PIECES = st.lists(st.binary(max_size=200), max_size=8)


def saved(data: bytes) -> bytes:
    """The state after `data`; this machine's library is expected to have one."""
    digest = sha256()
    digest.update(data)
    state = digest.save()
    assert state is not None
    return state


@given(PIECES, PIECES)
def test_goes_on_where_it_was_put_aside(before: list[bytes], after: list[bytes]) -> None:
    digest = sha256()
    for piece in before:
        digest.update(piece)
    state = digest.save()
    assert state is not None
    found = restored(state)
    assert found is not None
    again, count = found
    for piece in after:
        again.update(piece)
    assert count == len(b"".join(before))
    assert again.hexdigest() == hashlib.sha256(b"".join(before + after)).hexdigest()


@given(PIECES)
def test_putting_aside_and_looking_change_nothing(pieces: list[bytes]) -> None:
    digest = sha256()
    for piece in pieces:
        digest.update(piece)
        digest.save()
        digest.hexdigest()
    assert digest.hexdigest() == hashlib.sha256(b"".join(pieces)).hexdigest()


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview, lambda data: memoryview(bytearray(data))])
def test_takes_any_bytes_and_slices_of_them(wrap: Callable[[bytes], Any]) -> None:
    digest = sha256()
    digest.update(wrap(b"0123456789")[3:7])
    assert digest.hexdigest() == hashlib.sha256(b"3456").hexdigest()


def test_refuses_what_is_no_bytes_and_stays_right() -> None:
    digest = sha256()
    digest.update(b"abc")
    with pytest.raises(TypeError):
        digest.update("def")  # type: ignore[arg-type]
    with pytest.raises(BufferError):
        digest.update(memoryview(b"abcdef")[::2])
    assert digest.hexdigest() == hashlib.sha256(b"abc").hexdigest()


def test_goes_on_in_another_process() -> None:
    code = (
        "import sys; from fileshare.sha256 import restored; digest, _ = restored(bytes.fromhex(sys.argv[1]));"
        "digest.update(b'world'); print(digest.hexdigest())"
    )
    printed = subprocess.check_output([sys.executable, "-c", code, saved(b"hello ").hex()], text=True)
    assert printed.strip() == hashlib.sha256(b"hello world").hexdigest()


def test_a_state_is_small_whatever_was_hashed() -> None:
    assert max(len(saved(b"x" * size)) for size in range(200)) == 143


def test_does_not_go_on_from_a_state_with_any_changed_byte() -> None:
    state = saved(b"some bytes that are hashed")
    for place in range(len(state)):
        damaged = bytearray(state)
        damaged[place] ^= 0x40
        assert restored(bytes(damaged)) is None


@given(st.binary(max_size=200))
def test_does_not_go_on_from_what_is_no_state(noise: bytes) -> None:
    assert restored(noise) is None
    assert restored(noise + hashlib.sha256(noise).digest()) is None


def test_does_not_go_on_from_a_state_that_was_cut_short_or_grew() -> None:
    state = saved(b"x" * 100)
    assert restored(state[:-1]) is None
    assert restored(state + b"\0") is None


def test_a_count_that_does_not_fit_the_rest_is_refused_even_with_a_right_check() -> None:
    packed = bytearray(saved(b"x" * 100)[:-32])
    packed[15] += 1  # 101 bytes hashed, and 36 in the block
    assert restored(bytes(packed) + hashlib.sha256(packed).digest()) is None


def test_without_such_a_library_digests_are_right_and_nothing_is_put_aside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state = saved(b"abc")
    monkeypatch.setattr(module, "_library", lambda: None)
    digest = sha256()
    digest.update(b"abc")
    assert digest.hexdigest() == hashlib.sha256(b"abc").hexdigest()
    assert digest.save() is None
    assert restored(state) is None


class OtherLayout:
    """A library whose context has another shape: it counts bytes where ours counts bits."""

    def __init__(self) -> None:
        self._real: Any = module._library()

    def SHA256_Init(self, context: Any) -> None:
        self._real.SHA256_Init(context)

    def SHA256_Update(self, context: Any, data: Any, count: Any) -> None:
        self._real.SHA256_Update(context, data, count)
        ctypes.cast(context, ctypes.POINTER(ctypes.c_uint32))[8] //= 8

    def SHA256_Final(self, digest: Any, context: Any) -> None:
        self._real.SHA256_Final(digest, context)


def test_the_self_test_refuses_a_library_of_another_layout() -> None:
    library = module._library()
    assert library is not None and module._works(library)
    assert not module._works(OtherLayout())
