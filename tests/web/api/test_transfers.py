"""Transfers under way over the API, for admins."""

import pytest

from fileshare.domain.model import OnConflict
from fileshare.services.new_uploads import NewUpload
from tests.services.workshop import ANNA, Bytes
from tests.web.api.asker import asker
from tests.web.house import open_house

NAME = "docs/<img src=x onerror=alert(1)>.bin"


async def test_upload_of_the_other_door_is_seen_with_its_progress_and_stopped() -> None:
    async with open_house() as house, asker(house, "root") as root:
        writer = await house.world.begin(NewUpload(NAME, size=100, on_conflict=OnConflict.REPLACE), ANNA)
        await writer.receive(Bytes([b"x" * 40]), 40)
        (one,) = (await root.get("/transfers"))["transfers"]
        assert (one["path"], one["size"], one["offset"]) == (NAME, 100, 40)
        assert (one["door"], one["direction"], one["address"]) == ("tcp", "received", "127.0.0.1")
        assert one["started"] == pytest.approx(house.world.clock() / 1000, abs=60)
        await root.delete(f"/transfers/{one['id']}", 204)
        assert writer.superseded
        await writer.release()
        assert (await root.get("/transfers"))["transfers"] == []
        assert await root.refused("DELETE", f"/transfers/{one['id']}") == (404, "not_found")
        (left,) = await house.world.catalog.uploads()  # it can be resumed
        assert left.offset == 40


@pytest.mark.parametrize("transfer_id", ["none", "1", "%00", "a%2Fb"])
async def test_transfer_that_is_none_is_not_found(transfer_id: str) -> None:
    async with open_house() as house, asker(house, "root") as root:
        assert await root.refused("DELETE", f"/transfers/{transfer_id}") == (404, "not_found")


@pytest.mark.parametrize(("method", "path"), [("GET", "/transfers"), ("DELETE", "/transfers/1")])
async def test_transfers_are_for_admins(method: str, path: str) -> None:
    async with open_house() as house, asker(house) as anna:
        assert await anna.refused(method, path) == (403, "forbidden")
