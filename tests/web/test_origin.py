"""Where a request comes from: the forwarding headers of a trusted proxy, and everybody else's."""

from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import web

from fileshare.web.keys import WebSettings
from fileshare.web.origin import absolute_url, address_of, is_forwarded, origin_of
from tests.web.house import open_house

PROXY = WebSettings(trusted_proxies=(ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8")))
NOBODY = WebSettings()


async def told(settings: WebSettings, headers: list[tuple[str, str]]) -> Any:
    async def tell(request: web.Request) -> web.Response:
        return web.json_response(
            {
                "address": address_of(request),
                "forwarded": is_forwarded(request),
                "origin": origin_of(request),
                "link": absolute_url(request, "/files/"),
            }
        )

    async with (
        open_house(settings, tell=tell) as house,
        house.browser() as browser,
        browser.session.get(f"{house.url}/api/tell", headers=headers) as answer,
    ):
        return await answer.json()


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ([], "127.0.0.1"),
        ([("X-Forwarded-For", "203.0.113.9")], "203.0.113.9"),
        ([("X-Forwarded-For", "198.51.100.1, 203.0.113.9")], "203.0.113.9"),
        ([("X-Forwarded-For", "203.0.113.9, 10.1.2.3")], "203.0.113.9"),
        ([("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-For", "203.0.113.9")], "203.0.113.9"),
        ([("X-Forwarded-For", "203.0.113.9:4711")], "203.0.113.9"),
        ([("X-Forwarded-For", "[2001:db8::1]:4711")], "2001:db8::1"),
        ([("X-Forwarded-For", "198.51.100.1, unknown")], "127.0.0.1"),
    ],
)
async def test_address_is_the_nearest_that_no_trusted_proxy_has(
    headers: list[tuple[str, str]], address: str
) -> None:
    assert (await told(PROXY, headers))["address"] == address


async def test_address_can_not_be_forged_without_a_trusted_proxy() -> None:
    found = await told(NOBODY, [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "https")])
    assert found["address"] == "127.0.0.1"
    assert found["origin"].startswith("http://127.0.0.1:")
    assert found["forwarded"]


async def test_origin_is_the_proxys_word() -> None:
    headers = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "Files.example")]
    assert (await told(PROXY, headers))["origin"] == "https://files.example"


async def test_origin_and_links_are_those_of_the_public_url() -> None:
    settings = WebSettings(public_url="https://example.org/share/")
    found = await told(settings, [("X-Forwarded-Host", "evil.example")])
    assert found["origin"] == "https://example.org"
    assert found["link"] == "https://example.org/share/files/"


@pytest.mark.parametrize(
    ("header", "forwarded"),
    [
        (("Accept", "*/*"), False),
        (("Host", "localhost:5000"), False),
        (("Host", "box:5000"), False),
        (("Host", "[::1]:5000"), False),
        (("Host", "rebound.example:5000"), True),
        (("Forwarded", "for=127.0.0.1"), True),
        (("X-Real-IP", "127.0.0.1"), True),
        (("Via", "1.1 x"), True),
    ],
)
async def test_only_a_direct_request_under_our_own_name_is_this_machines(
    header: tuple[str, str], forwarded: bool
) -> None:
    assert (await told(NOBODY, [header]))["forwarded"] is forwarded
