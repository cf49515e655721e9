"""The concatenation extension: pieces that come beside each other become one file."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from fileshare.errors import NotFound
from fileshare.web.keys import WebSettings
from tests.services.workshop import MIB, World, sha256
from tests.web.house import House, open_house
from tests.web.programs import Answer
from tests.web.tus import DATA, Tus, metadata, tus_client

THIRD = len(DATA) // 3
PIECES = (DATA[:THIRD], DATA[THIRD : 2 * THIRD], DATA[2 * THIRD :])


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house(WebSettings(stall_seconds=0.5), world=World(max_file_size=MIB)) as house:
        yield house


@pytest.fixture
async def anna(house: House) -> AsyncIterator[Tus]:
    async with tus_client(house) as anna:
        yield anna


async def piece(anna: Tus, data: bytes, size: int | None = None) -> str:
    url = await anna.create(len(data) if size is None else size, Upload_Concat="partial", Upload_Metadata="")
    assert (await anna.patch(url, 0, data)).status == 204
    return url


async def join(anna: Tus, *urls: str, **told: str) -> Answer:
    told = {"filename": "whole.bin", **told}
    return await anna.ask(
        "POST", "/tus/", Upload_Concat=f"final;{' '.join(urls)}", Upload_Metadata=metadata(**told)
    )


async def test_pieces_sent_at_once_become_one_file(house: House, anna: Tus) -> None:
    urls = await asyncio.gather(*(piece(anna, data) for data in PIECES))
    answer = await join(anna, *urls, sha256=sha256(DATA))
    assert (answer.status, answer.headers["Fileshare-Path"]) == (201, "whole.bin")
    assert await house.world.stored_bytes("whole.bin") == DATA
    assert await house.world.catalog.uploads() == []
    assert await house.world.blobs.parts() == []


async def test_order_is_the_one_that_was_asked_for(house: House, anna: Tus) -> None:
    last, first = await piece(anna, b"last"), await piece(anna, b"first")
    relative = first.removeprefix(house.url)
    assert (await join(anna, relative, last, relative)).status == 201
    assert await house.world.stored_bytes("whole.bin") == b"firstlastfirst"


async def test_head_tells_what_a_piece_and_a_whole_are(anna: Tus) -> None:
    url = await anna.create(4, Upload_Concat="partial", Upload_Metadata=metadata(some="thing"))
    await anna.patch(url, 0, b"1234")
    head = await anna.head(url)
    assert head.headers["Upload-Concat"] == "partial"
    assert head.headers["Upload-Metadata"] == metadata(some="thing")
    assert (head.headers["Upload-Offset"], head.headers["Upload-Length"]) == ("4", "4")
    whole = (await join(anna, url)).headers["Location"]
    head = await anna.head(whole)
    assert head.headers["Upload-Concat"] == f"final;{url}"
    assert (head.headers["Upload-Offset"], head.headers["Upload-Length"]) == ("4", "4")
    assert head.headers["Upload-Metadata"] == metadata(filename="whole.bin")


async def test_whole_takes_no_bytes_by_itself(anna: Tus) -> None:
    whole = (await join(anna, await piece(anna, b"1234"))).headers["Location"]
    assert (await anna.patch(whole, 4, b"5")).status == 403
    assert (await anna.patch(whole, 4, b"")).status == 403


async def test_asked_again_the_same_file_is_the_answer(house: House, anna: Tus) -> None:
    urls = [await piece(anna, data) for data in PIECES]
    first, again = await join(anna, *urls), await join(anna, *urls)
    assert (again.status, again.headers["Location"]) == (201, first.headers["Location"])
    assert await house.world.catalog.count_files() == 1


async def test_pieces_stay_when_the_whole_is_not_what_was_promised(house: House, anna: Tus) -> None:
    urls = [await piece(anna, data) for data in PIECES]
    assert (await join(anna, *urls, sha256=sha256(b"other"))).status == 460
    with pytest.raises(NotFound):
        await house.world.catalog.entry("whole.bin")
    assert (await join(anna, *urls, sha256=sha256(DATA))).status == 201


async def test_incomplete_piece_is_not_joined(house: House, anna: Tus) -> None:
    done, begun = await piece(anna, b"done"), await piece(anna, b"beg", 5)
    assert (await join(anna, done, begun)).status == 409
    assert await anna.offset(begun) == 3
    await anna.patch(begun, 3, b"un")
    assert (await join(anna, done, begun)).status == 201
    assert await house.world.stored_bytes("whole.bin") == b"donebegun"


async def test_whole_over_the_limit_is_refused(anna: Tus) -> None:
    urls = [await piece(anna, b"x" * (MIB // 2 + 1)) for _ in range(2)]
    assert (await join(anna, *urls)).status == 413
    assert await anna.offset(urls[0]) == MIB // 2 + 1


async def test_only_own_pieces_are_joined(house: House, anna: Tus) -> None:
    mine = await piece(anna, b"mine")
    plain = await anna.create(4)
    async with tus_client(house, "bert") as bert:
        assert (await join(bert, mine)).status == 404
    assert (await join(anna, plain)).status == 404
    assert await anna.offset(mine) == 4


@pytest.mark.parametrize(
    ("concat", "more"),
    [
        ("final;", {}),
        ("final; ", {}),
        ("final;/tus/../../etc/passwd", {}),
        ("final;http://[::1/files/" + "0" * 32, {}),
        ("final;/tus/" + "0" * 31, {}),
        ("final;/tus/" + "0" * 32, {"Upload_Length": "4"}),
        ("partial;x", {"Upload_Length": "4"}),
    ],
)
async def test_what_names_no_pieces_is_refused(anna: Tus, concat: str, more: dict[str, str]) -> None:
    answer = await anna.ask(
        "POST", "/tus/", Upload_Concat=concat, Upload_Metadata=metadata(filename="a"), **more
    )
    assert answer.status == 400


async def test_pieces_are_no_uploads_that_somebody_could_go_on_with(house: House, anna: Tus) -> None:
    url = await piece(anna, b"1234")
    (row,) = await house.world.catalog.uploads()
    assert row.partial
    assert (await anna.ask("DELETE", url)).status == 204
    assert await house.world.catalog.uploads() == []
