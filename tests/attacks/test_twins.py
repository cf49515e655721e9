"""Both doors side by side, by the one table of roles: a check that one has and its twin lacks is a hole."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

import aiohttp
import pytest

from fileshare.domain import access
from fileshare.domain.access import Action
from fileshare.domain.model import Caller, Door, OnConflict, Role
from fileshare.errors import Forbidden
from fileshare.services.new_uploads import NewUpload
from fileshare.tcp.handlers import HANDLERS
from fileshare.tcp.server import TcpServer
from fileshare.tcp.session import TcpLimits
from fileshare.web.keys import SERVICES
from fileshare.web.routes import TABLE as ROUTES
from fileshare.wire import messages as m
from fileshare.wire.connection import Event, FrameLimits
from tests.tcp.door import PASSWORD, Peer2, open_door
from tests.tcp.door import Door as TcpDoor
from tests.web.house import House, open_house

ID, OTHER_ID, DIGEST = "u" * 16, "v" * 16, "0" * 64
FILE = m.PutFile(upload_id=ID, path="new", size=0, digest=DIGEST)

Asked = tuple[m.Request, *tuple[Action, ...]]
VERSION2: Sequence[Asked] = (
    (m.List(), Action.LIST),
    (m.List(recursive=True), Action.LIST),
    (m.Stat(path="a"), Action.LIST),
    (m.Stat(path="a", version=1), Action.VERSIONS),
    (m.Versions(path="a"), Action.VERSIONS),
    (m.Get(paths=["a"]), Action.DOWNLOAD),
    (m.Download(path="a"), Action.DOWNLOAD),
    (m.Download(path="a", version=1), Action.DOWNLOAD, Action.VERSIONS),
    (m.Upload(upload_id=ID, path="new"), Action.UPLOAD),
    (m.Upload(upload_id=ID, path="new", on_conflict="replace"), Action.UPLOAD, Action.OVERWRITE),
    (m.Resume(upload_id=ID), Action.UPLOAD),
    (m.Resume(path="new", digest=DIGEST), Action.UPLOAD),
    (m.Append(upload_id=ID, piece_id=OTHER_ID, offset=0), Action.UPLOAD),
    (m.Put(files=[FILE]), Action.UPLOAD),
    (m.Put(files=[FILE], on_conflict="replace"), Action.UPLOAD, Action.OVERWRITE),
    (m.Have(digest=DIGEST, size=1), Action.UPLOAD),
    (m.Uploads(), Action.UPLOAD),
    (m.Receipts(upload_ids=[ID]), Action.UPLOAD),
    (m.Abort(upload_id=ID), Action.UPLOAD),
    (m.MakeFolder(path="new"), Action.MKDIR),
    (m.Move(path="a", to="b"), Action.MOVE),
    (m.Delete(path="a"), Action.DELETE),
    (m.Delete(path="a", forever=True), Action.PURGE),
    (m.Restore(path="a"), Action.RESTORE),
    (m.Restore(path="a", version=1), Action.RESTORE),
)
PROVE = m.Prove(upload_id=ID, path="new", digest=DIGEST, size=1, proof=DIGEST)
VERSION1: Sequence[tuple[type[m.Request], Any, *tuple[Action, ...]]] = (
    (m.ListFiles, {}, Action.LIST),
    (m.DownloadFile, {"filename": "a"}, Action.DOWNLOAD),
    (m.UploadFile, {"filename": "new", "file_size": 0, "file_hash": DIGEST}, Action.UPLOAD),
    (
        m.UploadFile,
        {"filename": "new", "file_size": 0, "file_hash": DIGEST, "overwrite": True},
        Action.UPLOAD,
        Action.OVERWRITE,
    ),
    (m.ResumeUpload, {"filename": "new", "file_hash": DIGEST}, Action.UPLOAD),
)
ACTIONS = {action for _, *needed in VERSION2 for action in needed}
FREE = {m.Hello, m.Login, m.Logout, m.WhoAmI, m.Auth, m.DownloadConfirm}
"""Before the login, or about the caller alone."""


def lacking(action: Action) -> MappingProxyType[Role, frozenset[Action]]:
    """A table of roles in which nobody may do this one thing."""
    return MappingProxyType({role: frozenset(Action) - {action} for role in Role})


def code_of(event: Event) -> str:
    if isinstance(event, m.Results):
        return event.results[0].code
    return event.code if isinstance(event, m.Error) else ""


def test_every_command_has_its_row() -> None:
    rows = {type(request) for request, *_ in VERSION2} | {form for form, *_ in VERSION1}
    assert rows | FREE | {m.Prove} == set(HANDLERS)


def test_every_action_of_a_command_is_one_of_the_web_door() -> None:
    routes = {row.needs for row in ROUTES}
    inside = {Action.OVERWRITE, Action.VERSIONS}  # of a route that needs another one first
    assert not ACTIONS - routes - inside


@pytest.fixture
async def door() -> AsyncIterator[TcpDoor]:
    async with open_door() as door:
        yield door


@pytest.mark.parametrize("action", sorted(ACTIONS))
async def test_each_command_needs_its_actions_and_no_other(
    door: TcpDoor, action: Action, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "TABLE", lacking(action))
    for request, *needed in VERSION2:
        async with door.peer2("root") as peer:
            refused = code_of(await peer.call(request)) == "forbidden"
            assert refused is (action in needed), request
    for form, data, *needed in VERSION1:
        async with door.peer1("root") as peer:
            _, told = await peer.ask(form.command, **data)
            assert (told.get("code") == "forbidden") is (action in needed), form


async def test_proof_needs_what_an_upload_needs(door: TcpDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    service, root = door.world.whole_files, await _root(door)
    for action in (Action.UPLOAD, Action.OVERWRITE):
        monkeypatch.setattr(access, "TABLE", lacking(action))
        new = NewUpload("new", size=1, digest=DIGEST, on_conflict=OnConflict.REPLACE)
        with pytest.raises(Forbidden):
            await service.prove(root, new, b"n", DIGEST)


async def _root(door: TcpDoor) -> Caller:
    account = await door.server._services.accounts.log_in(
        "root", PASSWORD, address="127.0.0.1", door=Door.TCP
    )
    return Caller(account, "127.0.0.1", Door.TCP)


# What a login is worth once its account has changed

Change = Callable[[House, Caller], Awaitable[object]]
CHANGES: dict[str, Change] = {
    "disabled": lambda house, root: house.accounts.set_enabled(root, "anna", False),
    "demoted": lambda house, root: house.accounts.set_role(root, "anna", Role.USER),
    "deleted": lambda house, root: house.accounts.delete(root, "anna"),
    "new password": lambda house, root: house.accounts.set_password(root, "anna", "another horse"),
    "sessions ended": lambda house, root: house.accounts.end_sessions(root, "anna"),
}


@asynccontextmanager
async def both_doors() -> AsyncIterator[tuple[House, TcpDoor]]:
    """One house with its TCP door."""
    async with open_house() as house:
        services = house.application[SERVICES]
        limits = TcpLimits(frames=FrameLimits(), small_size=100)
        server = TcpServer(
            services.uploads,
            house.world.whole_files,
            services.files,
            house.accounts,
            limits,
            appending=house.world.appending,
        )
        ((_, port),) = await server.start("127.0.0.1", 0)
        try:
            yield house, TcpDoor(house.world, server, port)
        finally:
            await server.drain(2)


async def web_status(house: House, headers: dict[str, str]) -> int:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{house.url}/api/v1/tokens", headers=headers) as answer:
            return answer.status


@pytest.mark.parametrize("change", CHANGES)
async def test_no_login_of_either_door_outlives_a_change_of_its_account(change: str) -> None:
    async with both_doors() as (house, door):
        root = Caller(house.known["root"], "127.0.0.1", Door.WEB)
        await house.accounts.set_role(root, "anna", Role.ADMIN)
        async with door.peer1("anna") as first, door.peer(Peer2) as second:
            token = (await second.hello("anna")).token
            account = await house.accounts.log_in("anna", PASSWORD, address="::1", door=Door.WEB)
            secret, _ = await house.accounts.open_session(account, address="::1")
            basic = base64.b64encode(f"anna:{PASSWORD}".encode()).decode()
            ways = [{"Cookie": f"fileshare={secret}"}, {"Authorization": f"Bearer {token}"}]
            remembered = {"Authorization": f"Basic {basic}"}
            assert [await web_status(house, one) for one in (*ways, remembered)] == [200] * 3
            await CHANGES[change](house, root)
            assert [await web_status(house, one) for one in ways] == [401, 401]
            if change in ("disabled", "deleted", "new password"):
                assert await web_status(house, remembered) == 401
            assert await first.ended() == await second.ended() == b""
        async with door.peer(Peer2) as again:
            await again.call(m.Hello(version_wanted=2))
            assert isinstance(await again.call(m.Login(token=str(token))), m.AuthFailed)


async def test_token_that_was_logged_out_at_one_door_is_worth_nothing_at_the_other() -> None:
    async with both_doors() as (house, door), door.peer(Peer2) as peer:
        bearer = {"Authorization": f"Bearer {(await peer.hello('anna')).token}"}
        assert await web_status(house, bearer) == 200
        assert isinstance(await peer.call(m.Logout()), m.Done)
        assert await web_status(house, bearer) == 401
        assert isinstance(await peer.call(m.List()), m.AuthRequired)


# Guessing


async def test_every_way_in_counts_against_the_same_limit() -> None:
    """Ten wrong passwords, spread over all the ways there are, and each of them is closed."""
    async with both_doors() as (house, door):
        ways = [_guess_1, _guess_2, _guess_form, _guess_basic, _guess_token]
        for way in ways * 2:
            assert await way(house, door) == "wrong"
        assert [await way(house, door) for way in ways] == ["closed"] * len(ways)


async def _guess_1(_: House, door: TcpDoor) -> str:
    async with door.peer() as peer:
        status, told = await peer.ask("AUTH", username="anna", password="wrong one")
        assert status == "AUTH_FAILED"
        return "closed" if told["code"] == "too_many_attempts" else "wrong"


async def _guess_2(_: House, door: TcpDoor) -> str:
    async with door.peer(Peer2) as peer:
        await peer.call(m.Hello(version_wanted=2))
        told = await peer.call(m.Login(username="ANNA", password="wrong one"))
        assert isinstance(told, m.AuthFailed)
        return "closed" if told.code == "too_many_attempts" else "wrong"


async def _guess_form(house: House, _: TcpDoor) -> str:
    async with house.browser() as browser:
        status = (await browser.post("/login", username="anna", password="wrong one"))[0]
        return {401: "wrong", 429: "closed"}[status]


async def _guess_basic(house: House, _: TcpDoor) -> str:
    basic = base64.b64encode(b"anna:wrong one").decode()
    return {401: "wrong", 429: "closed"}[await web_status(house, {"Authorization": f"Basic {basic}"})]


async def _guess_token(house: House, _: TcpDoor) -> str:
    told = {"username": "anna", "password": "wrong one"}
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{house.url}/api/v1/tokens", json=told) as answer:
            return {401: "wrong", 429: "closed"}[answer.status]
