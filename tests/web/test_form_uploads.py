"""POST of a form with files, as a page without JavaScript sends it."""

import io
import json
from collections.abc import AsyncIterator

import pytest

from fileshare.errors import NotFound
from fileshare.web.form_uploads import MAX_PARTS, base_name
from fileshare.web.keys import WebSettings
from tests.services.workshop import MIB
from tests.web.house import PAGE, Browser, House, open_house
from tests.web.programs import Answer, Program, program, until

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
KIND = f"multipart/form-data; boundary={BOUNDARY}"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house(WebSettings(stall_seconds=0.3)) as house:
        yield house


@pytest.fixture
async def anna(house: House) -> AsyncIterator[Program]:
    async with program(house) as anna:
        yield anna


def field(name: str, value: str) -> bytes:
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def file(name: str, data: bytes, *, of: str = "file", extra: str = "") -> bytes:
    told = f'Content-Disposition: form-data; name="{of}"; filename="{name}"\r\nContent-Type: text/html'
    return f"--{BOUNDARY}\r\n{told}\r\n{extra}\r\n".encode() + data + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()


async def post(anna: Program, *parts: bytes, path: str = "/files/in/", kind: str = KIND) -> Answer:
    return await anna.ask("POST", path, data=io.BytesIO(b"".join(parts)), headers={"Content-Type": kind})


def stored(answer: Answer) -> list[str]:
    assert answer.status == 201, answer.text
    return [one["path"] for one in json.loads(answer.body)["files"]]


async def test_several_files_are_stored_in_the_folder_of_the_address(house: House, anna: Program) -> None:
    data = bytes(range(256)) * 4 * 1024
    answer = await post(anna, file("a.bin", data), file("é.txt", b"two"), file("empty", b""), END)
    assert stored(answer) == ["in/a.bin", "in/é.txt", "in/empty"]
    assert await house.world.stored_bytes("in/a.bin") == data
    assert await house.world.stored_bytes("in/é.txt") == b"two"
    assert await house.world.stored_bytes("in/empty") == b""


async def test_root_takes_files_too(anna: Program) -> None:
    assert stored(await post(anna, file("a", b"1"), END, path="/files/")) == ["a"]


@pytest.mark.parametrize("size", [*range(0, 300, 7), 256 * 1024 - 1, 256 * 1024, MIB + 1])
async def test_bytes_like_a_boundary_stay_in_the_file(house: House, anna: Program, size: int) -> None:
    near = f"\r\n--{BOUNDARY[:-1]}\r\n--\r\n\r\r\n-{BOUNDARY}\r\n".encode()
    data = bytes(size) + near * 3 + bytes(size)
    assert stored(await post(anna, file("a", data), file("b", data), END)) == ["in/a", "in/b"]
    assert await house.world.stored_bytes("in/a") == data == await house.world.stored_bytes("in/b")


async def test_taken_name_keeps_both_unless_the_form_says_overwrite(house: House, anna: Program) -> None:
    await post(anna, file("a.txt", b"1"), END)
    assert stored(await post(anna, file("a.txt", b"2"), END)) == ["in/a_v2.txt"]
    assert stored(await post(anna, field("overwrite", "on"), file("a.txt", b"3"), END)) == ["in/a.txt"]
    assert await house.world.stored_bytes("in/a.txt") == b"3"


async def test_other_fields_and_empty_choices_are_passed_over(anna: Program) -> None:
    parts = (field("x", "y"), file("", b""), file("b", b"other", of="avatar"), file("a", b"1"), END)
    assert stored(await post(anna, *parts)) == ["in/a"]
    nothing = await post(anna, field("x", "y"), file("", b""), END)
    assert (nothing.status, json.loads(nothing.body)["error"]["code"]) == (400, "bad_request")


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("a.txt", "a.txt"),
        ("C:\\Users\\anna\\a.txt", "a.txt"),
        ("/home/anna/a.txt", "a.txt"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\a", "a"),
        ("say %22hi%22.txt", 'say "hi".txt'),
        ("100%25.txt", "100%25.txt"),
    ],
)
def test_name_is_the_last_one_of_what_the_browser_says(told: str, name: str) -> None:
    assert base_name(told) == name


@pytest.mark.parametrize("told", ["..", "a/..", ".", "a\x01b", "%0d%0a/..", "x" * 256])
async def test_name_cannot_leave_the_folder(house: House, anna: Program, told: str) -> None:
    answer = await post(anna, file(told, b"1"), END)
    assert answer.status == 400
    with pytest.raises(NotFound):
        await house.world.catalog.entry("in")


WITHIN = f"--{BOUNDARY}\r\nContent-Type: multipart/mixed{{}}\r\n\r\n"

BROKEN = [
    b"",
    b"nothing of the kind",
    END[:-4],
    file("a", b"x" * 1000)[:-2],
    file("a", b"x" * 1000)[:200],
    file("a", b"x" * 1000)[:60],
    file("a", b"x" * 1000) + END[:10],
    f"--{BOUNDARY}\r\n".encode() + b"X: " + b"y" * 100_000 + b"\r\n\r\n1\r\n" + END,
    f"--{BOUNDARY}\r\n".encode() + b"X: y\r\n" * 5000 + b"\r\n1\r\n" + END,
    f"--{BOUNDARY}\r\n".encode() + b"no colon\r\n\r\n1\r\n" + END,
    file("a", b"QUJD", extra="Content-Transfer-Encoding: base64\r\n") + END,
    file("a", b"x", extra="Content-Encoding: gzip\r\n") + END,
    f"--{BOUNDARY}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n1\r\n--b--\r\n".encode()
    + END,
    f"--{BOUNDARY}\r\nContent-Type: multipart/mixed\r\n\r\n1\r\n".encode() + END,
]


@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
async def test_form_that_is_none_is_refused_and_leaves_no_half_file(
    house: House, anna: Program, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await post(anna, body)
    assert answer.status == 400
    assert not [record for record in caplog.records if record.exc_info]
    assert await house.world.catalog.uploads() == []
    assert await house.world.blobs.parts() == []


@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/mixed; boundary=x", "multipart/form-data", f"{KIND}{'x' * 100}"]
)
async def test_other_kinds_of_bodies_are_refused(anna: Program, kind: str) -> None:
    assert (await post(anna, file("a", b"1"), END, kind=kind)).status == 400


async def test_endless_fields_and_parts_are_refused(anna: Program) -> None:
    assert (await post(anna, field("overwrite", "x" * 10_000), END)).status == 400
    assert (await post(anna, *[field("x", "y")] * (MAX_PARTS + 1), END)).status == 400


async def test_files_before_a_broken_one_are_kept(house: House, anna: Program) -> None:
    answer = await post(anna, file("a", b"1"), file("b", b"2")[:-3])
    assert answer.status == 400
    assert await house.world.stored_bytes("in/a") == b"1"
    with pytest.raises(NotFound):
        await house.world.catalog.entry("in/b")


@pytest.mark.parametrize("ending", ["cut", "stalled"])
async def test_connection_that_ends_within_a_file_leaves_nothing(
    house: House, anna: Program, ending: str
) -> None:
    head = ("Content-Length: 1000000", f"Content-Type: {KIND}")
    async with anna.line("POST /files/in/ HTTP/1.1", *head) as (reader, writer):
        writer.write(file("a", bytes(600_000)))
        await until(lambda: any(held.offset for held in house.world.uploads.writers()))
        if ending == "cut":
            writer.transport.abort()
        else:
            assert b" 408 " in await reader.readline()
        await until(lambda: not house.world.uploads.writers())
    assert await house.world.catalog.uploads() == []
    assert await house.world.blobs.parts() == []


async def send(browser: Browser, *parts: bytes, **headers: str) -> tuple[int, str]:
    told = {"Content-Type": KIND, "Origin": browser.url, **headers}
    status, _, answer = await browser.ask("POST", "/files/my%20in/", data=b"".join(parts), headers=told)
    return status, answer.headers.get("Location", "")


async def test_page_without_scripts_uploads_with_the_token_first(house: House) -> None:
    async with house.browser("anna") as browser:
        token = await browser.token()
        status, location = await send(browser, field("csrf_token", token), file("a", b"1"), END)
        assert (status, location) == (303, "/files/my%20in/?done=uploaded")
        assert await house.world.stored_bytes("my in/a") == b"1"


async def test_forged_form_stores_nothing(house: House) -> None:
    async with house.browser("anna") as browser, house.browser("bert") as bert:
        token = await browser.token()
        forged = [
            await send(browser, file("a", b"1"), END),
            await send(browser, field("csrf_token", "wrong"), file("a", b"1"), END),
            await send(browser, field("csrf_token", await bert.token()), file("a", b"1"), END),
            await send(browser, file("a", b"1"), field("csrf_token", token), END),
            await send(browser, file("csrf", token.encode(), of="csrf_token_"), file("a", b"1"), END),
            await send(
                browser, field("csrf_token", token), file("a", b"1"), END, Origin="http://evil.example"
            ),
        ]
        assert [status for status, _ in forged] == [403] * len(forged)
        with pytest.raises(NotFound):
            await house.world.catalog.entry("my in")


async def test_token_in_a_header_serves_as_well(house: House) -> None:
    async with house.browser("anna") as browser:
        headers = {"X-CSRF-Token": await browser.token(), **PAGE}
        assert (await send(browser, file("a", b"1"), END, **headers))[0] == 303
