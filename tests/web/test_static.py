"""Style sheets and scripts: found, kept for ever where that is right, and nothing beside them."""

import gzip

import aiohttp
import pytest

from fileshare.web.static import BOOTSTRAP_FILES, STATIC, dark_by_wish
from tests.web.house import open_house


@pytest.mark.parametrize(
    "name", ["fileshare.css", "moments.js", *(f"bootstrap/{n}" for n in BOOTSTRAP_FILES)]
)
async def test_file_is_served_compressed_and_may_be_kept_for_ever(name: str) -> None:
    async with open_house() as house, aiohttp.ClientSession(auto_decompress=False) as session:
        static = house.application[STATIC]
        async with session.get(house.url + static.url(name), headers={"Accept-Encoding": "gzip"}) as answer:
            body = await answer.read()
            assert answer.status == 200
            assert "immutable" in answer.headers["Cache-Control"]
            if answer.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            file = static.find(name)
            assert file is not None
            assert body == file.body


async def test_file_of_another_fingerprint_is_not_kept() -> None:
    async with open_house() as house, aiohttp.ClientSession() as session:
        async with session.get(f"{house.url}/static/old/fileshare.css") as answer:
            assert answer.headers["Cache-Control"] == "no-cache"
            etag = answer.headers["ETag"]
        async with session.get(
            f"{house.url}/static/old/fileshare.css", headers={"If-None-Match": etag}
        ) as answer:
            assert answer.status == 304


@pytest.mark.parametrize("name", ["nothing.css", "..%2fpyproject.toml", "%2e%2e/%2e%2e/etc/passwd", "a%00b"])
async def test_nothing_else_is_served(name: str) -> None:
    async with open_house() as house, aiohttp.ClientSession() as session:
        async with session.get(f"{house.url}/static/x/{name}") as answer:
            assert answer.status == 404


def test_dark_colours_follow_the_systems_wish() -> None:
    css = "a{b:c}[data-bs-theme=dark]{d:e}[data-bs-theme=dark] .f{g:h}.i[data-bs-theme=dark]{j:k}"
    dark = "@media (prefers-color-scheme:dark)"
    assert dark_by_wish(css) == (
        f"a{{b:c}}{dark}{{:root{{d:e}}}}{dark}{{:root .f{{g:h}}}}.i[data-bs-theme=dark]{{j:k}}"
    )
