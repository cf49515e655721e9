"""Requests under way end with the sessions of their account, on this door as on the other."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from fileshare.domain.model import Caller, Door
from fileshare.web.running import RUNNING
from tests.web.house import House, open_house
from tests.web.test_identity import basic, bearer, session, token


@dataclass
class Endless:
    """A download without end, and whether it has ended nevertheless."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x")
        self.begun.set()
        try:
            while request.transport is not None:
                await asyncio.sleep(0.01)
                await response.write(b"x")
            return response
        finally:
            self.ended.set()


def as_root(house: House) -> Caller:
    return Caller(house.known["root"], "127.0.0.1", Door.WEB)


@pytest.mark.parametrize("how", ["cookie", "token", "basic"])
async def test_running_request_is_cut_when_its_account_is_disabled(how: str) -> None:
    endless = Endless()
    async with open_house(endless=endless.answer) as house, aiohttp.ClientSession() as client:
        house.application[RUNNING].grace = 0
        headers = basic("anna") if how == "basic" else bearer(await token(house))
        if how == "cookie":
            headers = {"Cookie": f"fileshare={await session(house)}"}
        async with client.get(f"{house.url}/api/endless", headers=headers) as answer:
            await endless.begun.wait()
            await house.accounts.set_enabled(as_root(house), "anna", False)
            await endless.ended.wait()
            with pytest.raises(aiohttp.ClientError):
                await answer.read()


async def test_end_of_one_session_leaves_those_beside_it() -> None:
    mine, other, berts = Endless(), Endless(), Endless()
    routes: dict[str, Any] = {"mine": mine.answer, "other": other.answer, "berts": berts.answer}
    async with open_house(**routes) as house, aiohttp.ClientSession() as client:
        house.application[RUNNING].grace = 0
        secret, made = await house.accounts.issue_token(house.known["anna"], name="t", address="127.0.0.1")
        answers = [
            await client.get(f"{house.url}/api/mine", headers=bearer(secret)),
            await client.get(f"{house.url}/api/other", headers=bearer(await token(house))),
            await client.get(f"{house.url}/api/berts", headers=basic("bert")),
        ]
        await asyncio.gather(*(one.begun.wait() for one in (mine, other, berts)))
        await house.accounts.end_session(as_root(house), "anna", made.id)
        await mine.ended.wait()
        assert not other.ended.is_set()
        assert not berts.ended.is_set()
        for answer in answers:
            answer.close()


async def test_request_that_ends_its_own_session_gets_its_answer() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        status, _, _ = await browser.post(
            "/account/password", old="correct horse", new="a long sentence", again="a long sentence"
        )
        assert status == 303
        assert (await browser.post("/logout"))[0] == 303
