"""An admin stops what a browser sends: its queue says why, and goes on only when it is told to."""

from pathlib import Path

from playwright.async_api import expect

from tests.browser.conftest import Visiting
from tests.browser.gate import open_gate
from tests.browser.test_uploads import MIB, data_of, half_way, write
from tests.services.workshop import ADMIN
from tests.web.house import open_house
from tests.web.programs import until


async def test_stopped_upload_says_so_and_goes_on_by_hand(visit: Visiting, tmp_path: Path) -> None:
    data = data_of(20 * MIB)
    async with open_house() as house, open_gate(house.url) as gate:
        one, trace = await half_way(house, gate, visit, write(tmp_path / "large.bin", data))
        one.expected_statuses.add(403)
        await until(lambda: house.world.transfers.list(ADMIN))
        house.world.transfers.stop(ADMIN, house.world.transfers.list(ADMIN)[0].id)
        await gate.allow(None)
        await expect(one.page.get_by_text("An admin stopped this transfer")).to_be_visible()
        assert not house.world.transfers.list(ADMIN)
        await one.page.get_by_role("button", name="Try again large.bin").click()
        await expect(one.page.locator("#queue-heading")).to_have_text("1 file uploaded")
        await expect(one.page.locator('#listing tr[data-path="large.bin"]')).to_be_visible()
        assert await house.world.stored_bytes("large.bin") == data
        assert trace.created == 1
