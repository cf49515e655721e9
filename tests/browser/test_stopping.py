"""An admin stops what a browser sends: its queue says why, and goes on only when it is told to."""

import asyncio
from pathlib import Path

from playwright.async_api import expect

from fileshare.services.transfers import Transfer
from tests.browser.conftest import Visiting
from tests.browser.gate import open_gate
from tests.browser.test_uploads import MIB, data_of, half_way, write
from tests.services.workshop import ADMIN
from tests.web.house import House, open_house
from tests.web.programs import until


async def under_way(house: House) -> Transfer:
    """The only transfer, once there is one."""
    async with asyncio.timeout(20):
        while not (found := list(house.world.transfers.list(ADMIN))):
            await asyncio.sleep(0.005)
    (one,) = found
    return one


async def test_stopped_upload_says_so_and_goes_on_by_hand(visit: Visiting, tmp_path: Path) -> None:
    data = data_of(20 * MIB)
    # Around house and gate as well: what can't be closed fails here, and not at the end of all patience.
    async with asyncio.timeout(90), open_house() as house, open_gate(house.url) as gate:
        one, trace = await half_way(house, gate, visit, write(tmp_path / "large.bin", data))
        one.expected_statuses.add(403)
        house.world.transfers.stop(ADMIN, (await under_way(house)).id)
        await gate.allow(None)
        await expect(one.page.get_by_text("An admin stopped this transfer")).to_be_visible()
        await until(lambda: not house.world.transfers.list(ADMIN))
        await one.page.get_by_role("button", name="Try again large.bin").click()
        await expect(one.page.locator("#queue-heading")).to_have_text("1 file uploaded")
        await expect(one.page.locator('#listing tr[data-path="large.bin"]')).to_be_visible()
        assert await house.world.stored_bytes("large.bin") == data
        assert trace.created == 1
