"""Every URL by every verb: a twin that forgets a check is the commonest hole of file servers."""

import aiohttp
import pytest

from fileshare.web.guards import Open, Row
from fileshare.web.middleware import CONTENT_SECURITY_POLICY, STRICT_HEADERS
from fileshare.web.routes import TABLE
from tests.web.house import House, open_house
from tests.web.test_routes import cookie, may, path_of

VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get")
OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")
REFUSED = (303, 400, 401, 403, 404, 405, 411, 413, 415, 501)

PATHS = sorted({path_of(row) for row in TABLE})
GUARDED = [row for row in TABLE if row.needs not in (Open.EVERYONE, Open.NEARBY)]


async def status(house: House, method: str, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    async with aiohttp.ClientSession() as session:
        async with session.request(method, house.url + path, headers=headers, allow_redirects=False) as got:
            for name, value in STRICT_HEADERS.items():
                assert got.headers.get(name), (name, value)
            policy = got.headers["Content-Security-Policy"]
            assert policy == CONTENT_SECURITY_POLICY or policy.startswith("sandbox")
            return got.status, await got.read()


@pytest.mark.parametrize("verb", VERBS)
async def test_no_verb_lets_nobody_in(verb: str) -> None:
    open_to_all = {path_of(row) for row in TABLE if row.needs in (Open.EVERYONE, Open.NEARBY)}
    async with open_house() as house:
        for path in PATHS:
            if path not in open_to_all:
                assert (await status(house, verb, path, {}))[0] in REFUSED, path


@pytest.mark.parametrize("who", ["anna", "root"])
async def test_head_asks_for_what_get_asks_for(who: str) -> None:
    async with open_house() as house:
        headers = await cookie(house, who)
        for row in TABLE:
            if row.method == "GET":
                head, _ = await status(house, "HEAD", path_of(row), headers)
                assert (head == 403) is not may(who, row.needs), path_of(row)


@pytest.mark.parametrize("header", OVERRIDES)
@pytest.mark.parametrize(
    "row", [row for row in GUARDED if row.method not in ("GET", "POST")], ids=lambda row: row.path
)
async def test_method_in_a_header_passes_no_check(row: Row, header: str) -> None:
    """A cookie without its token, as another site's form or picture would send it."""
    async with open_house() as house:
        headers = {**await cookie(house, "root"), header: row.method}
        if row.path.startswith("/tus/"):
            headers["Tus-Resumable"] = "1.0.0"
        before = len(await house.events())
        for carrier in ("GET", "POST"):
            code, _ = await status(house, carrier, path_of(row), headers)
            assert code in (200, 303, 403, 404, 405)
        assert all(event.outcome != "ok" for event in (await house.events())[: -before or None])
