"""Files that arrive at once: small ones with their bytes, and such as the server has already."""

import pytest

from fileshare.domain.model import OnConflict, Receipt
from fileshare.errors import DigestMismatch
from fileshare.services.new_uploads import NewUpload
from fileshare.services.whole_files import SmallFile
from tests.services.workshop import ANNA, BERT, Bytes, World, sha256

DATA = bytes(range(256)) * 64


def new(path: str) -> NewUpload:
    return NewUpload(path, size=len(DATA), digest=sha256(DATA), client_id="0123456789abcdef")


@pytest.fixture
def world() -> World:
    return World()


async def store(world: World) -> Receipt:
    writer = await world.begin(new("report.txt"))
    assert await writer.receive(Bytes([DATA]), len(DATA)) == len(DATA)
    return await writer.finish()


def small(path: str, data: bytes, client_id: str) -> SmallFile:
    return SmallFile(client_id, path, sha256(data), data)


async def test_put_stores_small_files_each_with_its_outcome(world: World) -> None:
    files = [
        small("a/1", b"one", "id-1"),
        SmallFile("id-2", "a/2", sha256(b"else"), b"two"),
        small("../3", b"three", "id-3"),
        small("a/4", b"x" * 101, "id-4"),
        small("a/1", b"one again", "id-5"),
    ]
    outcomes = await world.whole_files.put(ANNA, files, OnConflict.KEEP_BOTH)
    kinds = [outcome.path if isinstance(outcome, Receipt) else outcome.code for outcome in outcomes]
    assert kinds == ["a/1", "digest_mismatch", "bad_name", "too_large", "a/1_v2"]
    assert await world.stored_bytes("a/1") == b"one"


async def test_put_again_gets_the_first_receipt(world: World) -> None:
    files = [small("a", b"one", "id-1")]
    first = await world.whole_files.put(ANNA, files, OnConflict.KEEP_BOTH)
    assert await world.whole_files.put(ANNA, files, OnConflict.KEEP_BOTH) == first
    assert await world.catalog.count_files() == 1


async def test_content_that_is_there_is_stored_for_who_proves_to_have_it(world: World) -> None:
    await store(world)
    nonce = await world.whole_files.challenge(BERT, sha256(DATA), len(DATA))
    assert nonce is not None
    what = new("copy.txt")
    with pytest.raises(DigestMismatch):
        await world.whole_files.prove(BERT, what, nonce, sha256(DATA))
    receipt = await world.whole_files.prove(BERT, what, nonce, sha256(nonce + DATA))
    assert receipt.path == "copy.txt"
    assert await world.stored_bytes("copy.txt") == DATA
    assert await world.whole_files.prove(BERT, what, b"any", "any") == receipt


async def test_content_in_the_trash_or_of_another_size_counts_as_absent(world: World) -> None:
    await store(world)
    assert await world.whole_files.challenge(BERT, sha256(DATA), len(DATA) + 1) is None
    await world.catalog.trash("report.txt", 1, 1)
    assert await world.whole_files.challenge(BERT, sha256(DATA), len(DATA)) is None
