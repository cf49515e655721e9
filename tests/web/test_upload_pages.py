"""Half-done uploads on their page: one's own, and for an admin everyone's."""

from fileshare.domain.model import Caller, Door
from fileshare.services.new_uploads import NewUpload
from tests.services.workshop import Bytes
from tests.web.house import House, open_house

EVIL = "<img src=x onerror=alert(1)>.txt"


async def half_done(house: House, name: str, path: str) -> str:
    who = Caller(house.known[name], "127.0.0.1", Door.WEB)
    writer = await house.world.begin(NewUpload(path, size=4000), who)
    await writer.receive(Bytes([b"x" * 1000]), 1000)
    await writer.release()
    return writer.upload.id


async def test_user_sees_only_what_is_his_own() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        await half_done(house, "anna", f"mine/{EVIL}")
        await half_done(house, "bert", "his.bin")
        _, text, _ = await browser.get("/uploads")
        assert "mine/&lt;img" in text
        assert EVIL not in text
        assert "25 %" in text
        assert "his.bin" not in text


async def test_admin_sees_everyones_with_its_owner() -> None:
    async with open_house() as house, house.browser("root") as browser:
        await half_done(house, "anna", "hers.bin")
        await half_done(house, "bert", "his.bin")
        _, text, _ = await browser.get("/uploads")
        for said in ("hers.bin", ">anna<", "his.bin", ">bert<"):
            assert said in text


async def test_upload_is_given_up() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        upload = await half_done(house, "anna", "mine.bin")
        _, _, answer = await browser.post("/uploads/abort", upload=upload)
        assert answer.headers["Location"] == "/uploads?done=upload_aborted"
        assert await house.world.catalog.uploads() == []
        _, _, answer = await browser.post("/uploads/abort", upload=upload)
        assert answer.headers["Location"] == "/uploads?done=upload_gone"


async def test_user_can_not_give_up_anothers() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        upload = await half_done(house, "bert", "his.bin")
        _, _, answer = await browser.post("/uploads/abort", upload=upload)
        assert answer.headers["Location"] == "/uploads?done=upload_gone"
        assert len(await house.world.catalog.uploads()) == 1


async def test_upload_that_arrives_now_is_said() -> None:
    async with open_house() as house, house.browser("anna") as browser:
        who = Caller(house.known["anna"], "127.0.0.1", Door.WEB)
        writer = await house.world.begin(NewUpload("now.bin", size=4000), who)
        assert "arriving now" in (await browser.get("/uploads"))[1]
        await writer.release()
        assert "arriving now" not in (await browser.get("/uploads"))[1]
