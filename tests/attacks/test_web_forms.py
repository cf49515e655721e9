"""Forms with files that are made to be read for long."""

import aiohttp
import pytest

from fileshare.web.form_uploads import MAX_HEADERS, MAX_PARTS, MAX_PREAMBLE
from fileshare.web.keys import WebSettings
from tests.web.house import House, open_house
from tests.web.test_identity import basic

PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n'
END = b"--b--\r\n"


async def posted(house: House, body: bytes, boundary: str = "b") -> int:
    async with house.browser() as browser:
        headers = {**basic("anna"), "Content-Type": f"multipart/form-data; boundary={boundary}"}
        status, _, _ = await browser.ask("POST", "/files/", data=body, headers=headers)
        return status


@pytest.mark.parametrize(
    "filling", [b"\n", b"x", b"--", b"--b", b"--bb\r\n", b"\r\n--b-\r\n", b"a\r\n"], ids=repr
)
async def test_endless_preamble_is_refused(filling: bytes) -> None:
    async with open_house() as house:
        assert await posted(house, filling * (900_000 // len(filling)) + b"\r\n" + PART + END) == 400
        assert await house.world.catalog.uploads() == []


@pytest.mark.parametrize(
    "preamble", [b"", b"\r\n", b"This is multi-part.\r\n", b"--bb\r\n--\r\n", b"x--b\r\n", b"\n" * 500]
)
async def test_short_preamble_is_passed_over(preamble: bytes) -> None:
    async with open_house() as house:
        assert await posted(house, preamble + PART + END) == 303


@pytest.mark.parametrize(
    "body", [b"", b"x", b"--b", b"--bb", b"\r\n--b\r\n", b"--b--", b"--b--\r\n", b"--c\r\n"]
)
async def test_form_without_a_part_is_refused(body: bytes) -> None:
    async with open_house() as house:
        assert await posted(house, body) == 400


async def test_part_with_headers_without_end_is_refused() -> None:
    async with open_house() as house:
        many = b"".join(b"X-%d: y\r\n" % number for number in range(MAX_HEADERS + 1))
        assert await posted(house, PART.replace(b"\r\n\r\n", b"\r\n" + many + b"\r\n") + END) == 400
        long = b"X: " + b"y" * (MAX_PREAMBLE * 2) + b"\r\n"
        assert await posted(house, PART.replace(b"\r\n\r\n", b"\r\n" + long + b"\r\n") + END) == 400


async def test_broken_headers_of_parts_are_kept_nowhere() -> None:
    async with open_house() as house:
        for number in range(3):
            broken = b"--b\r\nContent-Disposition: form-data; nothing %d; x\r\n\r\nx\r\n" % number
            assert await posted(house, broken + PART + END) == 303
        kept = getattr(aiohttp.multipart, "__warningregistry__", {})
        assert not any("nothing" in str(key) for key in kept)


async def test_parts_without_end_are_refused() -> None:
    async with open_house() as house:
        nothing = b"--b\r\nContent-Disposition: form-data; name=x\r\n\r\n\r\n"
        assert await posted(house, nothing * (MAX_PARTS + 1) + END) == 400


async def test_empty_boundary_is_refused_or_serves() -> None:
    async with open_house() as house:
        assert await posted(house, b"-" * 1_000_000, '""') == 400


@pytest.mark.parametrize(
    ("path", "kind", "body", "status"),
    [
        ("/folders", "application/x-www-form-urlencoded", b"path=&name=" + b"%41" * 300_000, 400),
        ("/folders", "application/x-www-form-urlencoded", b"a&" * 400_000, 413),
        ("/folders", "application/x-www-form-urlencoded", b"path=&name=\xff", 400),
        ("/api/v1/folders", "application/json", b"[" + b"[]," * 300_000 + b"1]", 400),
        ("/api/v1/folders", "application/json", b"[" * 900_000, 400),
    ],
)
async def test_large_body_that_is_dear_to_parse_is_refused(
    path: str, kind: str, body: bytes, status: int
) -> None:
    async with open_house(WebSettings(require_auth=False)) as house, aiohttp.ClientSession() as session:
        headers = {**basic("anna"), "Content-Type": kind, "Origin": house.url}
        async with session.post(house.url + path, data=body, headers=headers) as answer:
            assert answer.status == status, await answer.text()


async def test_large_form_is_read_as_a_small_one_is() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        fields = {"csrf_token": await browser.token(), "path": "", "name": "new", "filling": "x" * 100_000}
        status, text, _ = await browser.ask("POST", "/folders", data=fields, headers={"Origin": house.url})
        assert status == 303, text
        assert (await house.world.catalog.entry("new")).path == "new"
