"""A SHA-256 that can be put aside and gone on with, so that a resume does not hash 90 GB anew.

hashlib can't do that; OpenSSL's own context can, through ctypes and at hashlib's speed.
What is put aside is the state as FIPS 180-4 defines it, not the library's memory: whatever
is read back, nothing is ever written past the context. Where the library is not as
expected, there is nothing to put aside, and everything else works as before.
"""

import ctypes
import hashlib
import struct
from functools import cache
from typing import Final, Protocol, cast

Data = bytes | bytearray | memoryview

_BLOCK: Final = 64
"""Bytes that SHA-256 takes at a time (FIPS 180-4, section 5.2.1)."""

_SAVED: Final = struct.Struct(">8sQ8I")
"""Mark, bytes hashed, the eight words of the state; then the bytes of the block that is not full."""

_MARK: Final = b"sha256-1"
_CHECK_BYTES: Final = 32
"""A SHA-256 over all before it: what disk or memory have changed is not gone on with."""

_SPARE: Final = 144
"""Bytes behind the context that must stay untouched; the first self-test looks."""


class Sha256(Protocol):
    """A digest in the making."""

    def update(self, data: Data, /) -> None:
        """Hash the next bytes, contiguous in memory. Other threads run meanwhile."""
        ...

    def hexdigest(self) -> str:
        """The digest of all so far, hex; more may follow."""
        ...

    def save(self) -> bytes | None:
        """What `restored` goes on from, at most 143 bytes; None where the library can't."""
        ...


def sha256() -> Sha256:
    """A new one, of no bytes yet."""
    library = _library()
    return _Context(library) if library is not None else _Plain()


def restored(saved: bytes) -> tuple[Sha256, int] | None:
    """Go on from what `save` gave, in this process or another; and how many bytes it has hashed.

    None for what was changed since, or where the library can't.
    """
    library = _library()
    state = _unpacked(saved)
    if library is None or state is None:
        return None
    words, count, rest = state
    return _Context(library, words, count, rest), count


class _Library(Protocol):
    """What is used of OpenSSL (openssl/sha.h)."""

    def SHA256_Init(self, context: object, /) -> object: ...
    def SHA256_Update(self, context: object, data: object, count: object, /) -> object: ...
    def SHA256_Final(self, digest: object, context: object, /) -> object: ...


class _Plain:
    """hashlib's, which can't be put aside."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.update = self._hash.update
        self.hexdigest = self._hash.hexdigest

    def save(self) -> bytes | None:
        return None


class _Words(ctypes.Structure):
    """OpenSSL's SHA256_CTX (openssl/sha.h), the same since 0.9.8; and room behind it."""

    _fields_ = (
        ("h", ctypes.c_uint32 * 8),
        ("low", ctypes.c_uint32),
        ("high", ctypes.c_uint32),
        ("block", ctypes.c_ubyte * _BLOCK),
        ("filled", ctypes.c_uint),
        ("digest_bytes", ctypes.c_uint),
        ("spare", ctypes.c_ubyte * _SPARE),
    )


class _Buffer(ctypes.Structure):
    """CPython's Py_buffer, part of its stable ABI since 3.11."""

    _fields_ = (
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    )


class _Context:
    """OpenSSL's."""

    def __init__(
        self, library: _Library, words: tuple[int, ...] | None = None, count: int = 0, rest: bytes = b""
    ) -> None:
        self._library = library
        self._words = _Words()
        library.SHA256_Init(ctypes.byref(self._words))
        if words is not None:
            self._words.h[:] = words
            bits = count * 8
            self._words.low, self._words.high = bits & 0xFFFFFFFF, bits >> 32 & 0xFFFFFFFF
            self._words.block[: len(rest)] = rest
            self._words.filled = len(rest)
        self._count = count

    def update(self, data: Data, /) -> None:
        buffer = _Buffer()
        ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(data), ctypes.byref(buffer), 0)
        try:
            self._library.SHA256_Update(
                ctypes.byref(self._words), ctypes.c_void_p(buffer.buf), ctypes.c_size_t(buffer.len)
            )
            self._count += buffer.len
        finally:
            ctypes.pythonapi.PyBuffer_Release(ctypes.byref(buffer))

    def hexdigest(self) -> str:
        words = _Words.from_buffer_copy(self._words)
        digest = (ctypes.c_ubyte * 32)()
        self._library.SHA256_Final(digest, ctypes.byref(words))
        return bytes(digest).hex()

    def save(self) -> bytes | None:
        rest = bytes(self._words.block[: self._count % _BLOCK])
        packed = _SAVED.pack(_MARK, self._count, *self._words.h) + rest
        return packed + hashlib.sha256(packed).digest()

    def is_as_expected(self) -> bool:
        """Whether the library keeps in its context what, and where, we believe it does."""
        bits = self._count * 8
        words = self._words
        return (
            (words.low, words.high) == (bits & 0xFFFFFFFF, bits >> 32)
            and (words.filled, words.digest_bytes) == (self._count % _BLOCK, 32)
            and not any(words.spare)
        )


def _unpacked(saved: bytes) -> tuple[tuple[int, ...], int, bytes] | None:
    """Words, count and rest; None unless every byte is as it was packed."""
    packed, check = saved[:-_CHECK_BYTES], saved[-_CHECK_BYTES:]
    if len(packed) < _SAVED.size or hashlib.sha256(packed).digest() != check:
        return None
    mark, count, *words = _SAVED.unpack_from(packed)
    rest = packed[_SAVED.size :]
    if mark != _MARK or len(rest) != count % _BLOCK:
        return None
    return tuple(words), count, rest


@cache
def _library() -> _Library | None:
    """The OpenSSL that hashlib itself uses, if its contexts are as we believe; else None."""
    try:
        import _hashlib  # noqa: PLC0415 (not in every Python)

        library = ctypes.CDLL(_hashlib.__file__)
        for name in ("SHA256_Init", "SHA256_Update", "SHA256_Final"):
            getattr(library, name)
    except (ImportError, OSError, AttributeError):
        return None
    found = cast(_Library, library)
    return found if _works(found) else None


def _works(library: _Library) -> bool:
    """Self-test: put aside and gone on with at several places, the digests are hashlib's."""
    data = bytes(range(251)) * 5
    for cut in (0, 1, 55, 63, 64, 65, 128, 700):
        context = _Context(library)
        context.update(data[:cut])
        state = _unpacked(context.save() or b"")
        if not context.is_as_expected() or state is None:
            return False
        words, count, rest = state
        other = _Context(library, words, count, rest)
        other.update(memoryview(data)[cut:])
        if not other.is_as_expected() or other.hexdigest() != hashlib.sha256(data).hexdigest():
            return False
    return True
