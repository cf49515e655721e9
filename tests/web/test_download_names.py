"""Any name comes through a header and a URL, and none of them does harm there."""

import re
from collections.abc import AsyncIterator
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fileshare.web.disposition import disposition_of
from tests.web.house import House, open_house
from tests.web.programs import Program, program

PLAIN = re.compile(r'attachment; filename="([ !#-$&-\[\]-~]*)"(?:; filename\*=UTF-8\'\'([A-Za-z0-9.%~_-]+))?')

NAMES = [
    "plain.txt",
    "with space.txt",
    'quote".txt',
    "semi;colon.txt",
    "100%.txt",
    "%41.txt",
    "%2e%2e",
    "a+b&c=d#e?f.txt",
    "naïve résumé.txt",
    "日本語.txt",
    "👩‍👩‍👧.png",
    "evil\u202etxt.exe",
    "<img src=x onerror=alert(1)>.txt",
    "'; DROP TABLE files; --",
    "${jndi:x}",
    "-rf",
    "...",
    ".env",
    "CON",
    "a:b",
    "x" * 255,
    "é" * 127,
]


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as house:
        yield house


@pytest.fixture
async def anna(house: House) -> AsyncIterator[Program]:
    async with program(house) as anna:
        yield anna


def saved_as(disposition: str) -> str:
    """What a client that knows RFC 6266 calls the file."""
    found = PLAIN.fullmatch(disposition)
    assert found is not None, disposition
    return unquote(found[2], errors="strict") if found[2] else found[1]


@pytest.mark.parametrize("name", NAMES)
async def test_file_of_that_name_is_stored_and_had_again(anna: Program, name: str) -> None:
    path = f"/files/folder%20%C3%A9/{quote(name, safe='')}"
    put = await anna.put(path, name.encode())
    assert put.status == 201
    assert put.headers["Location"] == f"/files/folder%20%C3%A9/{quote(name)}"
    answer = await anna.get(put.headers["Location"])
    assert answer.body == name.encode()
    assert saved_as(answer.headers["Content-Disposition"]) == name


@given(st.text(min_size=1, max_size=80).filter(lambda text: not re.search("[\ud800-\udfff]", text)))
def test_header_holds_any_name_and_nothing_else(name: str) -> None:
    assert saved_as(disposition_of(name, inline=False)) == name


BAD = [
    "%2e%2e/etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e%2fx",
    "a/%2e%2e/%2e%2e/x",
    "a/../../x",
    "./x",
    "a/%2e/x",
    "a//x",
    "/x",
    "%2fx",
    "a%2f",
    "..%5cx",
    "..%255c..%255cx%5c",
    "a%00.txt",
    "a%7f",
    "a%c2%80",
    "%ff",
    "%c0%ae%c0%ae/x",
    "%ed%a0%80",
    "x" * 256,
    "%C3%A9" * 128,
    "/".join(["x" * 200] * 21),
]


@pytest.mark.parametrize("path", BAD)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
async def test_name_cannot_leave_the_root_nor_hold_controls(anna: Program, path: str, method: str) -> None:
    answer = await anna.ask(method, f"/files/{path}", data=b"x" if method == "PUT" else None)
    assert answer.status == 400
    if method != "HEAD":
        assert b'"bad_name"' in answer.body


@pytest.mark.parametrize(
    "path", ["../files/a", "/../a", "..;/a", "....//a", "%252e%252e%252fa", "~root", "C:"]
)
async def test_odd_path_is_a_name_or_nothing(anna: Program, path: str) -> None:
    assert (await anna.get(f"/files/{path}")).status in (400, 404)


async def test_name_in_another_form_is_the_same_file(anna: Program) -> None:
    await anna.put("/files/%C3%A9", b"composed")
    assert (await anna.get("/files/e%CC%81")).body == b"composed"


async def test_escape_is_undone_once(anna: Program) -> None:
    await anna.put("/files/%2541", b"percent")
    assert (await anna.get("/files/%2541")).body == b"percent"
    assert (await anna.get("/files/A")).status == 404


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_line_break_in_an_address_makes_no_header(anna: Program, method: str) -> None:
    path = "/files/x%0d%0aX-Evil:%201?version=1%0d%0aX-Evil:%201"
    answer = await anna.ask(method, path, data=b"x" if method == "PUT" else None)
    assert answer.status in (400, 404, 405)
    assert "X-Evil" not in answer.headers
