"""The disk's figures over the API, for admins."""

from tests.web.api.asker import asker
from tests.web.house import open_house
from tests.web.programs import store


async def test_admin_sees_what_the_disk_holds() -> None:
    async with open_house() as house, asker(house, "root") as root:
        await store(house, "a", b"one")
        await store(house, "a", b"three")
        await store(house, "b", b"trash")
        await root.delete("/files/b")
        told = await root.get("/storage")
        assert told["disk_size"] >= told["disk_free"] > 0
        assert told["disk_low"] is False
        held = {name: told[name] for name in ("files", "current", "versions", "trash")}
        assert held == {"files": 1, "current": 5, "versions": 3, "trash": 5}


async def test_user_sees_nothing_of_it() -> None:
    async with open_house() as house, asker(house) as anna:
        assert await anna.refused("GET", "/storage") == (403, "forbidden")
