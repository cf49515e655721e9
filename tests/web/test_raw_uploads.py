"""PUT: a file with its bare bytes, as `curl -T` sends it."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator

import pytest

from fileshare.domain.model import UploadState
from fileshare.errors import NoSpace, NotFound
from fileshare.web.keys import WebSettings
from tests.services.workshop import ANNA, MIB, World, sha256
from tests.web.house import House, open_house
from tests.web.programs import Program, program, until

DATA = bytes(range(256)) * 400


@pytest.fixture
async def house() -> AsyncIterator[House]:
    settings = WebSettings(stall_seconds=0.3)
    async with open_house(settings, world=World(max_file_size=4 * MIB)) as house:
        yield house


@pytest.fixture
async def anna(house: House) -> AsyncIterator[Program]:
    async with program(house) as anna:
        yield anna


def promise(data: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


async def test_new_file_is_created_and_described(house: House, anna: Program) -> None:
    answer = await anna.put("/files/docs/a%20b.bin", DATA)
    assert answer.status == 201
    assert answer.headers["Fileshare-Path"] == "docs/a%20b.bin"
    assert answer.headers["Fileshare-Version"] == "1"
    assert answer.headers["Location"] == "/files/docs/a%20b.bin"
    assert answer.headers["ETag"] == f'"{sha256(DATA)}"'
    assert answer.headers["Repr-Digest"] == promise(DATA)
    assert json.loads(answer.body) == {
        "path": "docs/a b.bin",
        "name": "a b.bin",
        "kind": "file",
        "size": len(DATA),
        "sha256": sha256(DATA),
        "version": 1,
    }
    assert await house.world.stored_bytes("docs/a b.bin") == DATA


async def test_taken_name_keeps_both_unless_told_to_overwrite(house: House, anna: Program) -> None:
    await anna.put("/files/a.txt", b"one")
    both = await anna.put("/files/a.txt", b"two")
    assert (both.status, both.headers["Fileshare-Path"]) == (201, "a_v2.txt")
    replaced = await anna.put("/files/a.txt?overwrite=1", b"three")
    assert (replaced.status, replaced.headers["Fileshare-Path"]) == (200, "a.txt")
    assert replaced.headers["Fileshare-Version"] == "2"
    assert await house.world.stored_bytes("a.txt") == b"three"
    assert (await anna.put("/files/a.txt?overwrite=maybe", b"x")).status == 400


async def test_length_need_not_be_known(house: House, anna: Program) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(DATA), 1000):
            yield DATA[start : start + 1000]

    assert (await anna.put("/files/streamed", pieces())).status == 201
    assert await house.world.stored_bytes("streamed") == DATA
    assert (await anna.put("/files/empty", b"")).status == 201
    assert await house.world.stored_bytes("empty") == b""


@pytest.mark.parametrize("header", ["Repr-Digest", "Content-Digest"])
async def test_promised_digest_is_held(house: House, anna: Program, header: str) -> None:
    right = await anna.ask("PUT", "/files/right", data=DATA, headers={header: f"md5=:AA==:, {promise(DATA)}"})
    assert right.status == 201
    wrong = await anna.ask("PUT", "/files/wrong", data=DATA, headers={header: promise(b"other")})
    assert (wrong.status, json.loads(wrong.body)["error"]["code"]) == (400, "digest_mismatch")
    with pytest.raises(NotFound):
        await house.world.catalog.entry("wrong")
    assert await house.world.catalog.uploads() == []


@pytest.mark.parametrize(
    "told", ["sha-256=:AAAA:", "sha-256=abc", "sha-256=:" + "A" * 5000 + ":", "sha-256=::", "sha-256=:é:"]
)
async def test_digest_that_can_not_be_read_is_refused(anna: Program, told: str) -> None:
    answer = await anna.put("/files/a", DATA, Repr_Digest=told)
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (400, "bad_digest")


async def test_two_promises_that_differ_are_refused(anna: Program) -> None:
    answer = await anna.put("/files/a", DATA, Repr_Digest=promise(DATA), Content_Digest=promise(b""))
    assert answer.status == 400


async def test_what_is_too_large_is_refused_before_the_first_byte(house: House, anna: Program) -> None:
    head = (f"Content-Length: {4 * MIB + 1}", "Expect: 100-continue")
    async with anna.line("PUT /files/large HTTP/1.1", *head) as (reader, _):
        assert b" 413 " in await reader.readline()
    assert await house.world.catalog.uploads() == []


async def test_stream_may_be_just_as_large_as_is_allowed_and_no_larger(house: House, anna: Program) -> None:
    async def pieces(size: int) -> AsyncIterator[bytes]:
        for start in range(0, size, MIB):
            yield bytes(min(MIB, size - start))

    assert (await anna.put("/files/full", pieces(4 * MIB))).status == 201
    assert (await anna.put("/files/over", pieces(4 * MIB + 1))).status == 413
    assert await house.world.catalog.uploads() == []


@pytest.mark.parametrize(
    ("path", "extra", "status"),
    [
        ("/files/a", "X: y", b"100"),
        ("/files/%2e%2e/a", "X: y", b"400"),
        ("/files/a/", "X: y", b"400"),
        ("/files/a", "Content-Range: bytes 5-9/10", b"400"),
        ("/files/a", "Content-Encoding: gzip", b"400"),
        ("/files/a", 'If-Match: "0"', b"412"),
        ("/files/a", "Repr-Digest: sha-256=x", b"400"),
    ],
)
async def test_client_is_asked_for_the_body_only_when_it_is_wanted(
    anna: Program, path: str, extra: str, status: bytes
) -> None:
    async with anna.line(f"PUT {path} HTTP/1.1", "Content-Length: 5", "Expect: 100-continue", extra) as (
        reader,
        writer,
    ):
        assert (await reader.readline()).split()[1] == status
        if status == b"100":
            await reader.readline()
            writer.write(b"12345")
            assert b" 201 " in await reader.readline()


async def test_strangers_and_other_expectations_are_turned_away_unasked(house: House, anna: Program) -> None:
    anna.token = "wrong"
    async with anna.line("PUT /files/a HTTP/1.1", "Content-Length: 5", "Expect: 100-continue") as (reader, _):
        assert b" 401 " in await reader.readline()
    async with anna.line("PUT /files/a HTTP/1.1", "Content-Length: 5", "Expect: miracles") as (reader, _):
        assert b" 417 " in await reader.readline()


async def test_full_disk_is_told_before_the_first_byte(house: House, anna: Program) -> None:
    house.world.blobs.free = 10
    answer = await anna.put("/files/a", DATA)
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (507, "no_space")


async def test_disk_that_fills_up_leaves_nothing_behind(house: House, anna: Program) -> None:
    house.world.blobs.fail("receive", NoSpace())
    assert (await anna.put("/files/a", DATA)).status == 507
    assert await house.world.catalog.uploads() == []
    assert await house.world.blobs.parts() == []


@pytest.mark.parametrize("ending", ["cut", "half closed", "stalled"])
async def test_broken_upload_goes_on_elsewhere_where_its_digest_is_known(
    house: House, anna: Program, ending: str
) -> None:
    head = (f"Content-Length: {len(DATA)}", f"Repr-Digest: {promise(DATA)}")
    async with anna.line("PUT /files/a HTTP/1.1", *head) as (reader, writer):
        writer.write(DATA[:50_000])
        await until(lambda: any(held.offset >= 50_000 for held in house.world.uploads.writers()))
        if ending == "cut":
            writer.transport.abort()
        elif ending == "half closed":
            writer.write_eof()
        else:
            assert b" 408 " in await reader.readline()
        await until(lambda: not house.world.uploads.writers())
    (upload,) = await house.world.catalog.uploads()
    assert (upload.offset, upload.state) == (50_000, UploadState.RECEIVING)
    assert upload.owner_id == house.known["anna"].id


@pytest.mark.parametrize("head", [f"Content-Length: {len(DATA)}", "Transfer-Encoding: chunked"])
async def test_broken_upload_without_a_digest_leaves_nothing(house: House, anna: Program, head: str) -> None:
    async with anna.line("PUT /files/a HTTP/1.1", head) as (_, writer):
        writer.write(b"c350\r\n" + DATA[:50_000] + b"\r\n" if "chunked" in head else DATA[:50_000])
        await until(lambda: any(held.offset >= 50_000 for held in house.world.uploads.writers()))
        writer.transport.abort()
        await until(lambda: not house.world.uploads.writers())
    assert await house.world.catalog.uploads() == []
    assert await house.world.blobs.parts() == []
    with pytest.raises(NotFound):
        await house.world.catalog.entry("a")


async def test_newcomer_takes_an_upload_over_and_the_old_one_hears_it(house: House, anna: Program) -> None:
    head = (f"Content-Length: {len(DATA)}", f"Repr-Digest: {promise(DATA)}")
    async with anna.line("PUT /files/a HTTP/1.1", *head) as (reader, writer):
        writer.write(DATA[:50_000])
        await until(lambda: any(held.offset >= 50_000 for held in house.world.uploads.writers()))
        (upload,) = await house.world.catalog.uploads()
        taken = await house.world.uploads.resume(
            house.world.uploads.writers()[0].caller, lambda: None, upload_id=upload.id
        )
        assert taken.offset == 50_000  # type: ignore[union-attr]
        assert b" 409 " in await reader.readline()
        assert b'"superseded"' in await reader.readuntil(b"}}")
        await taken.release()  # type: ignore[union-attr]


async def test_stopping_server_keeps_what_arrived(house: House, anna: Program) -> None:
    head = (f"Content-Length: {len(DATA)}", f"Repr-Digest: {promise(DATA)}")
    async with anna.line("PUT /files/a HTTP/1.1", *head) as (_, writer):
        writer.write(DATA[:50_000])
        await until(lambda: any(held.offset >= 50_000 for held in house.world.uploads.writers()))
        await house.server.drain(0)
        await house.world.uploads.release_all()
    (upload,) = await house.world.catalog.uploads()
    assert upload.offset == 50_000


async def test_conditions_protect_what_is_there(house: House, anna: Program) -> None:
    first = await anna.put("/files/a?overwrite=1", b"1", If_None_Match="*")
    assert first.status == 201
    assert (await anna.put("/files/a?overwrite=1", b"2", If_None_Match="*")).status == 412
    assert (await anna.put("/files/a?overwrite=1", b"2", If_Match='"0"')).status == 412
    assert (await anna.put("/files/a?overwrite=1", b"2", If_Match=first.headers["ETag"])).status == 200


async def test_file_can_not_stand_below_a_file_nor_in_place_of_a_folder(anna: Program) -> None:
    await anna.put("/files/folder/a", b"1")
    assert (await anna.put("/files/folder", b"2")).status == 409
    assert (await anna.put("/files/folder/a/b", b"2")).status == 409


async def test_upload_belongs_to_who_sent_it(house: House, anna: Program) -> None:
    await anna.put("/files/a", DATA)
    assert (await house.world.catalog.entry("a")).version.owner != ANNA.account.name  # type: ignore[union-attr]
    events = [event for event in await house.events() if event.action == "upload"]
    assert [(event.account, event.door, event.path) for event in events] == [("anna", "web", "a")]


async def test_cookie_alone_does_not_upload(house: House) -> None:
    async with house.browser("anna") as browser:
        status, _, _ = await browser.ask("PUT", "/files/a", data=b"1", headers={"Origin": house.url})
        assert status == 403
        token = await browser.token()
        headers = {"Origin": house.url, "X-CSRF-Token": token}
        status, _, _ = await browser.ask("PUT", "/files/a", data=b"1", headers=headers)
        assert status == 201


async def test_nobody_uploads_where_a_login_is_needed(house: House, anna: Program) -> None:
    anna.token = ""
    for method, path in (
        ("PUT", "/files/a"),
        ("POST", "/files/"),
        ("GET", "/files/a"),
        ("GET", "/files/?zip"),
    ):
        assert (await anna.ask(method, path, data=b"1" if method != "GET" else None)).status == 401
