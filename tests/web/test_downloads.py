"""Downloads: what every answer says, conditions, versions, and what a browser may show."""

import base64
import email
import email.policy
from collections.abc import AsyncIterator

import pytest

from tests.services.workshop import sha256
from tests.web.house import House, open_house
from tests.web.programs import Program, program, store

DATA = bytes(range(256)) * 40
DIGEST = sha256(DATA)
ETAG = f'"{DIGEST}"'
OTHER = f'"{"0" * 64}"'
MODIFIED = 1_600_000_000_500
MODIFIED_TEXT = "Sun, 13 Sep 2020 12:26:40 GMT"
LATER, EARLIER = "Sun, 13 Sep 2020 12:26:41 GMT", "Sun, 13 Sep 2020 12:26:39 GMT"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as house:
        yield house


@pytest.fixture
async def anna(house: House) -> AsyncIterator[Program]:
    await store(house, "docs/a.bin", DATA, modified=MODIFIED)
    async with program(house) as anna:
        yield anna


async def test_file_comes_whole_with_all_that_is_known_of_it(anna: Program) -> None:
    answer = await anna.get("/files/docs/a.bin")
    assert (answer.status, answer.body) == (200, DATA)
    told = {
        "Accept-Ranges": "bytes",
        "Content-Disposition": 'attachment; filename="a.bin"',
        "Content-Length": str(len(DATA)),
        "Content-Type": "application/octet-stream",
        "ETag": ETAG,
        "Fileshare-Version": "1",
        "Last-Modified": MODIFIED_TEXT,
        "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(DIGEST)).decode()}:",
        "X-Content-Type-Options": "nosniff",
    }
    assert {name: answer.headers.get(name) for name in told} == told
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert "Content-Encoding" not in answer.headers


async def test_head_says_the_same_without_a_body(anna: Program) -> None:
    get, head = await anna.get("/files/docs/a.bin"), await anna.head("/files/docs/a.bin")
    for answer in (get, head):
        assert "Date" in answer.headers
    told = [
        {name: value for name, value in answer.headers.items() if name != "Date"} for answer in (get, head)
    ]
    assert (head.status, head.body) == (200, b"")
    assert told[0] == told[1]


CASES = [
    # Conditions and ranges: what comes back, by RFC 9110, 13 and 14.
    ({}, 200, DATA),
    ({"Range": "bytes=0-9"}, 206, DATA[:10]),
    ({"Range": "bytes=10000-"}, 206, DATA[10000:]),
    ({"Range": "bytes=-7"}, 206, DATA[-7:]),
    ({"Range": "bytes=-99999"}, 206, DATA),
    ({"Range": "bytes=10240-"}, 416, None),
    ({"Range": "bytes=-0"}, 416, None),
    ({"Range": "lines=1-2"}, 200, DATA),
    ({"Range": "bytes=9-2"}, 200, DATA),
    ({"Range": "bytes=0-9", "If-Range": ETAG}, 206, DATA[:10]),
    ({"Range": "bytes=0-9", "If-Range": OTHER}, 200, DATA),
    ({"Range": "bytes=0-9", "If-Range": f"W/{ETAG}"}, 200, DATA),
    ({"Range": "bytes=0-9", "If-Range": DIGEST}, 200, DATA),
    ({"Range": "bytes=0-9", "If-Range": "*"}, 200, DATA),
    ({"Range": "bytes=0-9", "If-Range": MODIFIED_TEXT}, 200, DATA),
    ({"Range": "bytes=0-9", "If-Range": LATER}, 200, DATA),
    ({"Range": "bytes=99999-", "If-Range": OTHER}, 200, DATA),
    ({"If-Range": OTHER}, 200, DATA),
    ({"If-None-Match": ETAG}, 304, b""),
    ({"If-None-Match": f"W/{ETAG}"}, 304, b""),
    ({"If-None-Match": f"{OTHER}, {ETAG}"}, 304, b""),
    ({"If-None-Match": "*"}, 304, b""),
    ({"If-None-Match": OTHER}, 200, DATA),
    ({"If-None-Match": '"*"'}, 200, DATA),
    ({"If-None-Match": DIGEST}, 200, DATA),
    ({"If-None-Match": ETAG, "Range": "bytes=0-9"}, 304, b""),
    ({"If-None-Match": OTHER, "If-Modified-Since": LATER}, 200, DATA),
    ({"If-None-Match": OTHER, "Range": "bytes=0-9"}, 206, DATA[:10]),
    ({"If-Modified-Since": MODIFIED_TEXT}, 304, b""),
    ({"If-Modified-Since": EARLIER}, 200, DATA),
    # Not the date that was told: an older file may have taken the place of a newer one.
    ({"If-Modified-Since": LATER}, 200, DATA),
    ({"If-Modified-Since": "yesterday"}, 200, DATA),
    ({"If-Match": ETAG}, 200, DATA),
    ({"If-Match": "*"}, 200, DATA),
    ({"If-Match": f"{OTHER}, {ETAG}"}, 200, DATA),
    ({"If-Match": OTHER}, 412, None),
    ({"If-Match": f"W/{ETAG}"}, 412, None),
    ({"If-Match": OTHER, "If-None-Match": ETAG}, 412, None),
    ({"If-Match": ETAG, "If-None-Match": ETAG}, 304, b""),
    ({"If-Match": ETAG, "Range": "bytes=0-9"}, 206, DATA[:10]),
    ({"If-Unmodified-Since": EARLIER}, 412, None),
    ({"If-Unmodified-Since": "Tue, 01 Jan 2030 00:00:00 GMT"}, 200, DATA),
    ({"If-Match": ETAG, "If-Unmodified-Since": EARLIER}, 200, DATA),
]


@pytest.mark.parametrize(("headers", "status", "body"), CASES, ids=lambda value: str(value)[:60])
async def test_conditions_and_ranges(
    anna: Program, headers: dict[str, str], status: int, body: bytes | None
) -> None:
    answer = await anna.ask("GET", "/files/docs/a.bin", headers=headers)
    assert answer.status == status
    if body is not None:
        assert answer.body == body
    assert answer.headers.get("ETag", ETAG) == ETAG
    if status == 206:
        start = DATA.find(body or b"") if len(body or b"") < 200 else len(DATA) - len(body or b"")
        first = {"bytes=-7": len(DATA) - 7}.get(headers["Range"], start)
        last = first + len(body or b"") - 1
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(DATA)}"
    elif status == 416:
        assert answer.headers["Content-Range"] == f"bytes */{len(DATA)}"
    else:
        assert "Content-Range" not in answer.headers


@pytest.mark.parametrize("range_", ["bytes=0-9", "bytes=99999-", "bytes=-0", "x=1-2"])
async def test_head_takes_no_notice_of_a_range(anna: Program, range_: str) -> None:
    answer = await anna.head("/files/docs/a.bin", Range=range_)
    assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(DATA)))
    assert "Content-Range" not in answer.headers


async def test_head_and_conditions(anna: Program) -> None:
    assert (await anna.head("/files/docs/a.bin", If_None_Match=ETAG)).status == 304
    assert (await anna.head("/files/docs/a.bin", If_Match=OTHER)).status == 412


async def test_several_ranges_come_as_parts_that_any_mail_reader_takes_apart(anna: Program) -> None:
    answer = await anna.get("/files/docs/a.bin", Range="bytes=0-4,5000-5004,-3")
    assert answer.status == 206
    assert "Content-Range" not in answer.headers
    assert len(answer.body) == int(answer.headers["Content-Length"])
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + answer.body, policy=email.policy.HTTP)
    parts = [(part["Content-Range"], part["Content-Type"]) for part in message.iter_parts()]
    size = len(DATA)
    kind = "application/octet-stream"
    assert parts == [
        (f"bytes 0-4/{size}", kind),
        (f"bytes 5000-5004/{size}", kind),
        (f"bytes {size - 3}-{size - 1}/{size}", kind),
    ]
    for wanted in (DATA[:5], DATA[5000:5005], DATA[-3:]):
        assert b"\r\n\r\n" + wanted + b"\r\n--" in answer.body


async def test_ranges_that_become_one_are_no_parts(anna: Program) -> None:
    answer = await anna.get("/files/docs/a.bin", Range="bytes=0-4,3-9")
    assert (answer.status, answer.body) == (206, DATA[:10])
    assert answer.headers["Content-Range"] == f"bytes 0-9/{len(DATA)}"


async def test_thousand_tiny_ranges_cost_no_more_than_the_file(anna: Program) -> None:
    answer = await anna.get("/files/docs/a.bin", Range="bytes=" + ",".join(f"{n}-{n}" for n in range(1000)))
    assert (answer.status, answer.body) == (200, DATA)


async def test_empty_file(house: House, anna: Program) -> None:
    await store(house, "empty", b"")
    assert (await anna.get("/files/empty")).body == b""
    assert (await anna.head("/files/empty")).headers["Content-Length"] == "0"
    assert (await anna.get("/files/empty", Range="bytes=0-")).status == 416
    assert (await anna.get("/files/empty", Range="bytes=-1")).status == 200


async def test_old_version_is_had_by_its_number(house: House, anna: Program) -> None:
    await store(house, "docs/a.bin", b"new")
    assert (await anna.get("/files/docs/a.bin")).body == b"new"
    old = await anna.get("/files/docs/a.bin?version=1")
    assert (old.body, old.headers["ETag"], old.headers["Fileshare-Version"]) == (DATA, ETAG, "1")
    assert (await anna.get("/files/docs/a.bin?version=3")).status == 404


async def test_resuming_a_file_that_was_replaced_gives_the_new_one_whole(house: House, anna: Program) -> None:
    await store(house, "docs/a.bin", b"x" * len(DATA), modified=MODIFIED)
    answer = await anna.get("/files/docs/a.bin", Range="bytes=100-", If_Range=ETAG)
    assert (answer.status, answer.body) == (200, b"x" * len(DATA))
    by_date = await anna.get("/files/docs/a.bin", Range="bytes=100-", If_Range=MODIFIED_TEXT)
    assert (by_date.status, by_date.body) == (200, b"x" * len(DATA))


@pytest.mark.parametrize("version", ["0", "-1", "x", "1.0", "9" * 30, "٣", ""])
async def test_version_that_is_none(anna: Program, version: str) -> None:
    assert (await anna.get(f"/files/docs/a.bin?version={version}")).status in (400, 404)


async def test_folder_without_its_slash_leads_to_the_folder(anna: Program) -> None:
    answer = await anna.get("/files/docs?zip")
    assert (answer.status, answer.headers["Location"]) == (303, "/files/docs/?zip")


async def test_missing_file_is_not_found(anna: Program) -> None:
    answer = await anna.get("/files/docs/none")
    assert answer.status == 404
    assert b'"not_found"' in answer.body


async def test_time_that_no_date_can_say_is_left_out(house: House, anna: Program) -> None:
    await store(house, "old", b"1", modified=-(10**15))
    await store(house, "young", b"1", modified=10**17)
    assert "Last-Modified" not in (await anna.get("/files/old")).headers
    young = await anna.get("/files/young")
    assert young.headers["Last-Modified"] <= young.headers["Date"] or young.status == 200


async def test_older_clients_get_the_whole_and_a_closed_connection(anna: Program) -> None:
    async with anna.line("GET /files/docs/a.bin HTTP/1.0") as (reader, _):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        assert b" 200 " in head.splitlines()[0]
        assert body == DATA


SHOWN = ["a.png", "a.JPG", "a.svg", "a.txt", "a.csv", "a.py", "a.mp3", "a.mp4", "a.webm", "a.md", ".txt"]
SAVED = [
    "a.html",
    "a.htm",
    "a.xhtml",
    "a.xml",
    "a.pdf",
    "a.swf",
    "a.mht",
    "a.exe",
    "a",
    "html",
    "a.svgz",
    "a.txt ",
]


@pytest.mark.parametrize("name", SHOWN + SAVED)
async def test_browser_shows_only_what_is_safe_to_show(house: House, anna: Program, name: str) -> None:
    await store(house, name, b"<script>alert(1)</script>")
    path = f"/files/{name.replace(' ', '%20')}"
    for answer in (await anna.get(path), await anna.get(f"{path}?inline=1")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("sandbox;") and "allow-" not in policy and "script-src" not in policy
        assert "html" not in answer.headers["Content-Type"] and "xml" not in answer.headers[
            "Content-Type"
        ].replace("image/svg+xml", "")
    assert (await anna.get(path)).headers["Content-Disposition"].startswith("attachment;")
    kind = "inline;" if name in SHOWN else "attachment;"
    assert (await anna.get(f"{path}?inline=1")).headers["Content-Disposition"].startswith(kind)
