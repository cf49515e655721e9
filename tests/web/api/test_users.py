"""Accounts over the API, for admins."""

import pytest

from fileshare.services.new_uploads import NewUpload
from tests.services.workshop import ANNA
from tests.web.api.asker import asker
from tests.web.house import PASSWORD, open_house
from tests.web.programs import store

NEW = {"username": "carla@files.example", "password": "a long one indeed", "role": "admin"}


async def test_accounts_are_listed_with_what_they_hold_and_without_their_passwords() -> None:
    async with open_house() as house, asker(house, "root") as root:
        await store(house, "a", b"abc")
        users = {user["username"]: user for user in (await root.get("/users"))["users"]}
        assert list(users) == ["admin", "anna", "bert", "root"]
        anna = users["anna"]
        assert set(anna) == {
            "username",
            "role",
            "enabled",
            "default_password",
            "created",
            "last_login",
            "used",
        }
        assert (anna["role"], anna["enabled"], anna["used"], anna["last_login"]) == ("user", True, 3, None)
        assert users["admin"]["default_password"] is True
        assert await root.get("/users/anna") == anna
        assert await root.get("/users/ANNA") == anna


async def test_account_is_added_and_can_log_in() -> None:
    async with open_house() as house, asker(house, "root") as root:
        made = await root.post("/users", NEW, 201)
        assert (made["username"], made["role"], made["enabled"]) == (NEW["username"], "admin", True)
        assert await root.get("/users/carla%40files.example") == made
        login = {"username": NEW["username"], "password": NEW["password"]}
        await root.post("/tokens", login, 201)
        without_role = {"username": "dora", "password": NEW["password"]}
        assert (await root.post("/users", without_role, 201))["role"] == "user"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"username": "anna"}, 409, "conflict"),
        ({"username": "ANNA"}, 409, "conflict"),
        ({"username": "<script>"}, 400, "bad_name"),
        ({"username": "../root"}, 400, "bad_name"),
        ({"username": ""}, 400, "bad_name"),
        ({"username": "anonymous"}, 400, "bad_name"),
        ({"password": "short"}, 400, "bad_password"),
        ({"password": "password"}, 400, "bad_password"),
        ({"role": "owner"}, 400, "bad_request"),
        ({"enabled": False}, 400, "bad_request"),
    ],
)
async def test_account_that_can_not_be_is_refused(change: dict[str, object], status: int, code: str) -> None:
    async with open_house() as house, asker(house, "root") as root:
        assert await root.refused("POST", "/users", {**NEW, **change}) == (status, code)
        assert len((await root.get("/users"))["users"]) == 4


async def test_change_of_role_password_and_enabled_takes_effect_and_ends_logins() -> None:
    async with open_house() as house, asker(house, "root") as root, asker(house) as anna:
        assert (await root.patch("/users/anna", {"role": "admin"}))["role"] == "admin"
        assert await anna.refused("GET", "/tokens") == (401, "auth_failed")
        changed = await root.patch("/users/anna", {"role": "user", "password": NEW["password"]})
        assert changed["role"] == "user"
        await root.post("/tokens", {"username": "anna", "password": NEW["password"]}, 201)
        assert (await root.patch("/users/anna", {"enabled": False}))["enabled"] is False
        old = {"username": "anna", "password": NEW["password"]}
        assert await root.refused("POST", "/tokens", old) == (401, "auth_failed")


async def test_bad_password_changes_nothing_else() -> None:
    async with open_house() as house, asker(house, "root") as root:
        body = {"role": "admin", "enabled": False, "password": "short"}
        assert await root.refused("PATCH", "/users/anna", body) == (400, "bad_password")
        anna = await root.get("/users/anna")
        assert (anna["role"], anna["enabled"]) == ("user", True)


async def test_last_admin_stays_one() -> None:
    async with open_house() as house, asker(house, "root") as root:
        await root.delete("/users/admin", 204)
        for body in ({"role": "user"}, {"enabled": False}):
            assert await root.refused("PATCH", "/users/root", body) == (409, "conflict")
        assert await root.refused("DELETE", "/users/root") == (409, "conflict")


async def test_deleted_account_takes_its_half_done_uploads_along_and_leaves_its_files() -> None:
    async with open_house() as house, asker(house, "root") as root:
        await store(house, "a", b"abc")
        await (await house.world.begin(NewUpload("b", size=100), ANNA)).release()
        await root.delete("/users/anna", 204)
        assert await root.refused("GET", "/users/anna") == (404, "not_found")
        assert (await root.get("/files/a"))["size"] == 3


@pytest.mark.parametrize("name", ["nobody", "%00", "..%2F", "<img>", "%FF", "x" * 3000])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_account_that_is_none_is_not_found(method: str, name: str) -> None:
    async with open_house() as house, asker(house, "root") as root:
        body = {"role": "user"} if method == "PATCH" else None
        status, _ = await root.refused(method, f"/users/{name}", body)
        assert status == (400 if name == "%FF" else 404)


async def test_change_of_nothing_is_refused() -> None:
    async with open_house() as house, asker(house, "root") as root:
        assert await root.refused("PATCH", "/users/anna", {}) == (400, "bad_request")
        assert await root.refused("PATCH", "/users/anna", {"username": "x"}) == (400, "bad_request")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/users"),
        ("POST", "/users"),
        ("GET", "/users/bert"),
        ("PATCH", "/users/bert"),
        ("DELETE", "/users/bert"),
    ],
)
async def test_user_manages_nobody(method: str, path: str) -> None:
    async with open_house() as house, asker(house) as anna:
        assert await anna.refused(method, path, {"password": PASSWORD}) == (403, "forbidden")
