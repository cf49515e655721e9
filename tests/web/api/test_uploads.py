"""Half-done uploads over the API."""

import pytest

from fileshare.domain.model import OnConflict
from fileshare.services.new_uploads import NewUpload
from fileshare.web.keys import WebSettings
from tests.services.workshop import ANNA, BERT, Bytes, sha256
from tests.web.api.asker import asker
from tests.web.house import House, open_house

HALF = b"half of i"


async def half_done(house: House, path: str = "docs/big.bin", who: object = ANNA) -> str:
    new = NewUpload(path, size=100, digest=sha256(b"whole"), on_conflict=OnConflict.REPLACE)
    writer = await house.world.begin(new, ANNA if who is ANNA else BERT)
    await writer.receive(Bytes([HALF]), len(HALF))
    await writer.release()
    return writer.upload.id


async def test_own_half_done_upload_is_listed_with_its_place_at_tus() -> None:
    async with (
        open_house(WebSettings(public_url="https://files.example/share")) as house,
        asker(house) as anna,
    ):
        upload_id = await half_done(house)
        answer = await anna.get("/uploads")
        assert answer["next"] is None
        (upload,) = answer["uploads"]
        assert upload["id"] == upload_id
        assert upload["path"] == "docs/big.bin"
        assert (upload["size"], upload["offset"], upload["sha256"]) == (100, len(HALF), sha256(b"whole"))
        assert upload["owner"] == "anna"
        assert upload["overwrite"] is True
        assert upload["url"] == f"/share/tus/{upload_id}"
        assert upload["created"] <= upload["touched"] < upload["expires"]
        assert upload["expires"] - upload["touched"] == 7 * 86_400
        assert await anna.get(f"/uploads/{upload_id}") == upload


async def test_anothers_upload_is_not_found_and_never_forbidden() -> None:
    async with open_house() as house, asker(house, "bert") as bert:
        upload_id = await half_done(house)
        assert (await bert.get("/uploads"))["uploads"] == []
        assert await bert.refused("GET", f"/uploads/{upload_id}") == (404, "not_found")
        assert await bert.refused("DELETE", f"/uploads/{upload_id}") == (404, "not_found")
        assert len(await house.world.catalog.uploads()) == 1


async def test_admin_sees_and_aborts_everyones_uploads_when_asked_for() -> None:
    async with open_house() as house, asker(house, "root") as root:
        mine, other = await half_done(house), await half_done(house, "b", BERT)
        assert (await root.get("/uploads"))["uploads"] == []
        uploads = (await root.get("/uploads?all=true"))["uploads"]
        assert [(one["id"], one["owner"]) for one in uploads] == [(other, "bert"), (mine, "anna")]
        assert (await root.get(f"/uploads/{mine}"))["owner"] == "anna"
        await root.delete(f"/uploads/{mine}", 204)
        assert [one.id for one in await house.world.catalog.uploads()] == [other]


async def test_user_who_asks_for_everyones_uploads_is_refused() -> None:
    async with open_house() as house, asker(house) as anna:
        assert await anna.refused("GET", "/uploads?all=true") == (403, "forbidden")


async def test_owner_aborts_an_upload_and_it_is_gone() -> None:
    async with open_house() as house, asker(house) as anna:
        upload_id = await half_done(house)
        await anna.delete(f"/uploads/{upload_id}", 204)
        assert await anna.refused("GET", f"/uploads/{upload_id}") == (404, "not_found")
        assert await anna.refused("DELETE", f"/uploads/{upload_id}") == (404, "not_found")


async def test_finished_upload_is_a_conflict_to_abort() -> None:
    async with open_house() as house, asker(house) as anna:
        writer = await house.world.begin(NewUpload("a.txt", size=1), ANNA)
        await writer.receive(Bytes([b"a"]), 1)
        await writer.finish()
        assert await anna.refused("DELETE", f"/uploads/{writer.upload.id}") == (409, "conflict")


async def test_uploads_come_page_by_page_while_some_go() -> None:
    async with open_house() as house, asker(house) as anna:
        ids = [await half_done(house, f"f{number}") for number in range(5)]
        first = await anna.get("/uploads?limit=2")
        assert [one["id"] for one in first["uploads"]] == ids[:2:-1]
        await anna.delete(f"/uploads/{ids[3]}", 204)
        rest = await anna.get(f"/uploads?limit=3&cursor={first['next']}")
        assert [one["id"] for one in rest["uploads"]] == ids[2::-1]
        assert rest["next"] is None


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("colour=red", "colour"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=many", "limit"),
        ("limit=1&limit=2", "limit"),
        ("all=perhaps", "all"),
        ("cursor=" + "%00", "cursor"),
        ("cursor=' OR 1=1", "cursor"),
    ],
)
async def test_query_that_makes_no_sense_is_refused_by_name(query: str, named: str) -> None:
    async with open_house() as house, asker(house) as anna:
        answer = await anna.ask("GET", f"/uploads?{query.replace(' ', '%20')}")
        assert answer.status == 400
        assert named in answer.text


async def test_place_at_tus_is_where_the_upload_goes_on() -> None:
    async with open_house() as house, asker(house) as anna:
        await half_done(house)
        (upload,) = (await anna.get("/uploads"))["uploads"]
        head = await anna.program.ask("HEAD", upload["url"], headers={"Tus-Resumable": "1.0.0"})
        assert head.status == 200
        assert head.headers["Upload-Offset"] == str(upload["offset"])
