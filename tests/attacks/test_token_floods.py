"""Wrong tokens and logins without end: refused, told, and nothing that we keep grows by them."""

import aiohttp
import pytest

from fileshare.domain.model import Door
from fileshare.errors import AuthFailed
from fileshare.services import sessions
from tests.services.town import Town
from tests.web.house import open_house


@pytest.mark.parametrize("door", [Door.TCP, Door.WEB])
async def test_flood_of_wrong_tokens_is_one_row_and_one_count(door: Door) -> None:
    town = Town()
    await town.open()
    for number in range(50):
        with pytest.raises(AuthFailed):
            await town.accounts.authenticate(f"wrong{number}", address="192.0.2.1", door=door)
        await town.audit.flush()
    await town.close()
    assert [event.detail for event in await town.store.events(100)] == ["(49 times more)", ""]


async def test_flood_of_wrong_tokens_at_the_web_door_is_one_row() -> None:
    async with open_house() as house, aiohttp.ClientSession() as session:
        for number in range(50):
            headers = {"Authorization": f"Bearer wrong{number}"}
            async with session.get(f"{house.url}/api/v1/files", headers=headers) as answer:
                assert answer.status == 401
            await house.world.shop.audit.flush()
        assert len(await house.events()) == 1


async def test_logins_without_end_leave_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MOST", 3)
    town = Town()
    await town.open()
    account = await town.settle("bob")
    browser, _ = await town.accounts.open_session(account, address="192.0.2.1")
    tokens = []
    for number in range(5):
        town.clock.pass_seconds(120)
        tokens.append((await town.accounts.issue_token(account, name=str(number), address="192.0.2.1"))[0])
        if number == 2:
            town.clock.pass_seconds(120)
            await town.accounts.authenticate(tokens[0], address="192.0.2.1", door=Door.WEB)
    names = [session.name for session in await town.store.sessions(account.id) if session.kind == "token"]
    assert sorted(names) == ["0", "3", "4"], "the longest unused give way"
    assert len(town.ended) == 2
    await town.accounts.authenticate(browser, address="192.0.2.1", door=Door.WEB)
    await town.close()
