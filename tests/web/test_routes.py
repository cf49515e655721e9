"""Every URL with every role: who may not ask gets nothing, who may is not turned away."""

import re

import aiohttp
import pytest

from fileshare.domain.access import allows
from fileshare.domain.model import Role
from fileshare.web.guards import Needs, Open, Row
from fileshare.web.keys import WebSettings
from fileshare.web.routes import TABLE
from tests.web.house import PAGE, TOKEN, House, open_house

ROLES = {"nobody": None, "anonymous": Role.USER, "anna": Role.USER, "root": Role.ADMIN}
PLACES = {"fingerprint": "x", "source": "web", "folder": "some/", "form": "role"}


def may(who: str, needs: Needs) -> bool:
    if needs in (Open.EVERYONE, Open.NEARBY):  # the tests ask from this machine
        return True
    if needs is Open.MEMBERS:
        return who in ("anna", "root")
    role = ROLES[who]
    return role is not None and allows(role, needs)


def path_of(row: Row) -> str:
    return re.sub(r"\{(\w+)(:[^}]*)?\}", lambda place: PLACES.get(place[1], "bert"), row.path)


async def cookie(house: House, who: str) -> dict[str, str]:
    if who in ("nobody", "anonymous"):
        return {}
    secret, _ = await house.accounts.open_session(house.known[who], address="127.0.0.1")
    return {"Cookie": f"fileshare={secret}"}


async def asked(
    session: aiohttp.ClientSession, house: House, row: Row, who: str, accept: dict[str, str]
) -> tuple[int, str]:
    headers = {**accept, **await cookie(house, who), "Origin": house.url}
    async with session.get(f"{house.url}/login/none", headers={**headers, **PAGE}) as page:
        found = TOKEN.search(await page.text())
    if found:
        headers["X-CSRF-Token"] = found[1]
    url = house.url + path_of(row)
    form = aiohttp.FormData({"x": "1"}) if row.method == "POST" else None
    async with session.request(row.method, url, headers=headers, data=form, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location", "")


@pytest.mark.parametrize("who", ROLES)
@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.method} {row.path}")
async def test_route_is_open_to_whom_the_table_says_and_closed_to_all_others(row: Row, who: str) -> None:
    settings = WebSettings(require_auth=who != "anonymous")
    async with open_house(settings) as house, aiohttp.ClientSession() as session:
        status, _ = await asked(session, house, row, who, {"Accept": "*/*"})
        if may(who, row.needs):
            assert status not in (401, 403)
        elif who in ("nobody", "anonymous") and (who == "nobody" or row.needs is Open.MEMBERS):
            assert status == 401
        else:
            assert status == 403


@pytest.mark.parametrize(
    "row",
    [
        row
        for row in TABLE
        # Programs are not led anywhere.
        if row.needs not in (Open.EVERYONE, Open.NEARBY) and not row.path.startswith(("/api/", "/tus/"))
    ],
    ids=lambda row: f"{row.method} {row.path}",
)
async def test_person_who_is_not_logged_in_is_led_to_the_login(row: Row) -> None:
    async with open_house() as house, aiohttp.ClientSession() as session:
        status, location = await asked(session, house, row, "nobody", PAGE)
        assert status == 303
        assert location.startswith("/login?next=")


async def test_nothing_is_served_beside_the_table() -> None:
    async with open_house() as house:
        served = {
            (route.method, route.resource.canonical)
            for route in house.application.router.routes()
            if route.resource is not None and route.method != "HEAD"
        }
        assert served == {(row.method, re.sub(r":[^}]*\}", "}", row.path)) for row in TABLE}
