"""tus: creation with and without bytes, lengths that come later, expiration, and hostile headers."""

import json
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from ipaddress import ip_network

import pytest

from fileshare.domain.model import File, OnConflict
from fileshare.services.new_uploads import NewUpload
from fileshare.web.keys import WebSettings
from fileshare.web.tus.patience import PATIENCE
from tests.services.workshop import MIB, World, sha256
from tests.web.house import TOKEN, House, open_house
from tests.web.tus import BYTES, DATA, Tus, encoded, metadata, tus_client


@pytest.fixture
async def house() -> AsyncIterator[House]:
    settings = WebSettings(stall_seconds=0.5, public_url="https://files.example/share")
    async with open_house(settings, world=World(max_file_size=4 * MIB)) as house:
        yield house


@pytest.fixture
async def anna(house: House) -> AsyncIterator[Tus]:
    async with tus_client(house) as anna:
        yield anna


async def create(anna: Tus, data: bytes | None = None, /, **headers: str) -> tuple[int, str]:
    """Status, and the path of the new upload behind the proxy's prefix."""
    answer = await anna.ask(
        "POST", "/tus/", data, **{"Upload_Metadata": metadata(filename="a.bin"), **headers}
    )
    return answer.status, answer.headers.get("Location", "").removeprefix("https://files.example/share")


async def test_address_of_an_upload_is_the_public_one(anna: Tus) -> None:
    answer = await anna.ask("POST", "/tus/", Upload_Length="1", Upload_Metadata=metadata(filename="a"))
    assert answer.headers["Location"].startswith("https://files.example/share/tus/")


async def test_address_of_an_upload_is_the_one_that_a_trusted_proxy_tells() -> None:
    proxies = (ip_network("127.0.0.0/8"),)
    told = {"X_Forwarded_Proto": "https", "X_Forwarded_Host": "files.example"}
    for trusted, start in ((proxies, "https://files.example/tus/"), ((), "http://127.0.0.1:")):
        async with open_house(WebSettings(trusted_proxies=trusted)) as house, tus_client(house) as anna:
            length = {"Upload_Length": "1", "Upload_Metadata": metadata(filename="a")}
            answer = await anna.ask("POST", "/tus/", **length, **told)
            assert answer.headers["Location"].startswith(start)


async def test_upload_expires_a_week_after_its_last_byte(house: House, anna: Tus) -> None:
    _, url = await create(anna, Upload_Length="10")
    answer = await anna.patch(url, 0, b"x")
    expires = parsedate_to_datetime(answer.headers["Upload-Expires"]).timestamp()
    assert abs(expires - house.world.clock.now / 1000 - 7 * 86_400) < 2
    house.world.clock.now += 8 * 86_400_000
    await house.world.uploads.release_all()
    assert await house.world.uploads.expire() == 1
    assert (await anna.head(url)).status == 404


@pytest.mark.parametrize("data", [b"", b"whole"])
async def test_file_may_come_with_its_creation(house: House, anna: Tus, data: bytes) -> None:
    told = {"Content_Type": BYTES} if data else {}
    answer = await anna.ask(
        "POST", "/tus/", data, Upload_Length=str(len(data)), Upload_Metadata=metadata(filename="d/a"), **told
    )
    assert (answer.status, answer.headers["Upload-Offset"]) == (201, str(len(data)))
    assert answer.headers["Fileshare-Path"] == "d/a"
    assert await house.world.stored_bytes("d/a") == data


async def test_first_bytes_may_come_with_the_creation(house: House, anna: Tus) -> None:
    status, url = await create(anna, DATA[:100], Upload_Length=str(len(DATA)), Content_Type=BYTES)
    assert status == 201
    assert await anna.offset(url) == 100
    await anna.patch(url, 100, DATA[100:])
    assert await house.world.stored_bytes("a.bin") == DATA


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 400),
        ({"Upload_Length": "-1"}, 400),
        ({"Upload_Length": "1e3"}, 400),
        ({"Upload_Length": "9" * 19}, 400),
        ({"Upload_Length": str(4 * MIB + 1)}, 413),
        ({"Upload_Length": "9" * 18}, 413),
        ({"Upload_Defer_Length": "2"}, 400),
        ({"Upload_Defer_Length": "1", "Upload_Length": "1"}, 400),
        ({"Upload_Length": "1", "Upload_Metadata": ""}, 400),
        ({"Upload_Length": "1", "Upload_Metadata": metadata(filename="../a")}, 400),
        ({"Upload_Length": "1", "Upload_Metadata": metadata(filename="a\0b")}, 400),
        ({"Upload_Length": "1", "Upload_Metadata": "filename ???"}, 400),
        ({"Upload_Length": "1", "Upload_Metadata": f"filename {encoded(bytes([255, 254]))}"}, 400),
        ({"Upload_Length": "1", "Upload_Metadata": f"filename {encoded('a')},filename {encoded('b')}"}, 400),
        ({"Upload_Length": "1", "Upload_Metadata": f"filename {encoded('a')},"}, 400),
        ({"Upload_Length": "1", "Upload_Metadata": f"fïlename {encoded('a')}"}, 400),
        ({"Upload_Length": "1", "Upload_Metadata": metadata(filename="a", sha256="abc")}, 400),
        ({"Upload_Length": "1", "Upload_Metadata": metadata(filename="a", overwrite="yes")}, 400),
        ({"Upload_Length": "1", "Upload_Metadata": metadata(filename="a", modified="nan")}, 400),
        ({"Upload_Length": "1", "Upload_Metadata": metadata(filename="a", modified="1e300")}, 400),
        ({"Upload_Length": "1", "Upload_Concat": "some"}, 400),
        ({"Upload_Length": "1", "Upload_Checksum": "crc32 AAAA"}, 400),
    ],
)
async def test_creation_that_can_not_be_is_refused(
    house: House, anna: Tus, headers: dict[str, str], status: int
) -> None:
    assert (await create(anna, **headers))[0] == status
    assert await house.world.catalog.uploads() == []


async def test_bytes_of_another_type_are_refused(house: House, anna: Tus) -> None:
    assert (await create(anna, b"x", Upload_Length="1", Content_Type="text/plain"))[0] == 415
    assert await house.world.catalog.uploads() == []


@pytest.mark.parametrize(
    ("told", "path"),
    [
        ({"filename": "docs/a.txt"}, "docs/a.txt"),
        ({"name": "a.txt", "relativePath": "null"}, "a.txt"),
        ({"relativePath": "/docs/a.txt"}, "docs/a.txt"),
        ({"filename": "a.txt", "name": "a.txt", "relativePath": "docs/a.txt"}, "docs/a.txt"),
        ({"filename": "b.txt", "relativePath": "docs/a.txt"}, "b.txt"),
        ({"filename": "a.txt", "filetype": "text/plain", "type": ""}, "a.txt"),
    ],
)
async def test_name_is_found_as_clients_send_it(
    house: House, anna: Tus, told: dict[str, str], path: str
) -> None:
    answer = await anna.ask("POST", "/tus/", Upload_Length="0", Upload_Metadata=metadata(**told))
    assert answer.headers["Fileshare-Path"] == path


async def test_metadata_say_when_the_source_changed_and_what_is_replaced(house: House, anna: Tus) -> None:
    for told in ({}, {"overwrite": "true", "modified": "1700000000.5"}):
        await anna.ask("POST", "/tus/", Upload_Length="0", Upload_Metadata=metadata(filename="a", **told))
    entry = await house.world.catalog.entry("a")
    assert isinstance(entry, File)
    assert (entry.version.number, entry.version.modified) == (2, 1_700_000_000_500)


async def test_upload_of_the_other_door_is_told_with_its_promise(house: House, anna: Tus) -> None:
    new = NewUpload("a.bin", len(DATA), sha256(DATA), OnConflict.KEEP_BOTH, client_id="c" * 16)
    writer = await house.world.begin(new)
    await writer.release()
    url = f"/tus/{writer.upload.id}"
    assert await anna.offset(url) == 0
    assert (await anna.patch(url, 0, DATA)).status == 204
    assert await house.world.stored_bytes("a.bin") == DATA


# The length comes later


async def test_length_may_come_with_the_last_bytes(house: House, anna: Tus) -> None:
    _, url = await create(anna, Upload_Defer_Length="1")
    head = await anna.head(url)
    assert head.headers["Upload-Defer-Length"] == "1"
    assert "Upload-Length" not in head.headers
    assert (await anna.patch(url, 0, DATA[:100])).status == 204
    assert (await anna.patch(url, 100, DATA[100:], Upload_Length=str(len(DATA)))).status == 204
    assert await house.world.stored_bytes("a.bin") == DATA


async def test_length_may_come_after_all_bytes_with_an_empty_piece(house: House, anna: Tus) -> None:
    _, url = await create(anna, Upload_Defer_Length="1")
    await anna.patch(url, 0, DATA)
    last = await anna.patch(url, len(DATA), b"", Upload_Length=str(len(DATA)))
    assert (last.status, last.headers["Fileshare-Path"]) == (204, "a.bin")
    assert await house.world.stored_bytes("a.bin") == DATA


async def test_length_is_kept_once_it_is_known(anna: Tus) -> None:
    _, url = await create(anna, Upload_Defer_Length="1")
    await anna.patch(url, 0, b"12345", Upload_Length="10")
    head = await anna.head(url)
    assert (head.headers["Upload-Length"], "Upload-Defer-Length" in head.headers) == ("10", False)
    assert (await anna.patch(url, 5, b"6", Upload_Length="11")).status == 400
    assert (await anna.patch(url, 5, b"6", Upload_Length="10")).status == 204


@pytest.mark.parametrize(("length", "status"), [("4", 400), (str(4 * MIB + 1), 413), ("-1", 400)])
async def test_length_that_can_not_be_is_refused(anna: Tus, length: str, status: int) -> None:
    _, url = await create(anna, Upload_Defer_Length="1")
    await anna.patch(url, 0, b"12345")
    assert (await anna.patch(url, 5, b"", Upload_Length=length)).status == status
    assert await anna.offset(url) == 5


# Who asks


async def test_browser_needs_the_token_of_its_session_whatever_method_it_names() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        _, text, _ = await browser.get("/account/password")
        token = TOKEN.search(text)
        told = {"Tus-Resumable": "1.0.0", "Upload-Length": "9", "Upload-Metadata": metadata(filename="a")}
        refused, _, _ = await browser.ask("POST", "/tus/", headers=told)
        assert refused == 403
        mine = {**told, "X-CSRF-Token": token[1] if token else ""}
        status, _, answer = await browser.ask("POST", "/tus/", headers=mine)
        assert status == 201
        url = answer.headers["Location"].removeprefix(house.url)
        for method in ("GET", "POST"):
            hidden = {"Tus-Resumable": "1.0.0", "X-HTTP-Method-Override": "DELETE"}
            status, _, _ = await browser.ask(method, url, headers=hidden)
            assert status == 403
        status, _, _ = await browser.ask("DELETE", url, headers=mine)
        assert status == 204


async def test_nobody_uploads_without_a_login(house: House) -> None:
    async with house.browser() as browser:
        status, text, answer = await browser.ask("POST", "/tus/", headers={"Tus-Resumable": "1.0.0"})
        assert status == 401
        assert json.loads(text)["error"]["code"] == "auth_required"
        assert answer.headers["Tus-Resumable"] == "1.0.0"


async def test_client_in_a_loop_is_stopped(house: House, anna: Tus) -> None:
    _, url = await create(anna, Upload_Length="10")
    house.application[PATIENCE].most = 3
    statuses = [(await anna.patch(url, 0, b"")).status for _ in range(4)]
    assert statuses == [204, 204, 204, 429]
    assert (await anna.patch(url, 0, b"0123456789")).status == 204
