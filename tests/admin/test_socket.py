"""Administration through the socket: who may, what it answers, and where it lies."""

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from fileshare.admin import place
from fileshare.admin.asking import Asking, ask_server
from fileshare.admin.desk import Desk
from fileshare.admin.messages import (
    MAX_LINE,
    AddUser,
    AnyReply,
    DeleteUser,
    Done,
    EmptyTrash,
    Freed,
    ListTrash,
    ListUsers,
    Request,
    SetEnabled,
    SetPassword,
    SetRole,
    TrashRow,
    UserRow,
)
from fileshare.admin.server import AdminServer
from fileshare.domain.model import Door, Role
from fileshare.errors import (
    AuthFailed,
    BadPassword,
    Conflict,
    FileshareError,
    Forbidden,
    NotFound,
    Unavailable,
)
from fileshare.services.accounts import Accounts
from fileshare.services.audit import Audit
from fileshare.services.files import Files
from fileshare.services.limiter import Limiter
from fileshare.services.locks import DigestLocks
from fileshare.services.passwords import Passwords
from fileshare.services.sweeper import Sweeper
from tests.services.shelf import OWNER, MemoryShelf, caller, digest_of, large

PASSWORD = "correct horse battery"


class Office:
    """Everything that a server has behind its admin socket."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shelf = shelf = MemoryShelf()
        self.audit = Audit(shelf.accounts, shelf.clock)
        limiter = Limiter(shelf.accounts, shelf.clock)
        self.accounts = Accounts(shelf.accounts, Passwords(cost=4), limiter, self.audit, shelf.clock)
        self.sweeper = Sweeper(
            shelf.catalog,
            shelf.blobs,
            shelf.accounts,
            expire_sessions=self.accounts.expire_sessions,
            digest_locks=DigestLocks(),
            reserve=shelf.reserve,
            clock=shelf.clock,
        )
        files = Files(
            shelf.catalog,
            shelf.blobs,
            self.audit,
            clock=shelf.clock,
            reserve=shelf.reserve,
            nudge=self.sweeper.nudge,
        )
        self.forgotten: list[str] = []
        self.server = AdminServer(folder, Desk(self.accounts, files, self.sweeper, self._forget))

    async def _forget(self, upload_ids: Sequence[str]) -> None:
        self.forgotten.extend(upload_ids)

    async def ask(self, request: Request) -> list[AnyReply]:
        async with ask_server(self.folder) as asking:
            return await whole(asking, request)

    async def logs_in(self, name: str, password: str) -> bool:
        try:
            await self.accounts.log_in(name, password, address="10.0.0.1", door=Door.TCP)
        except AuthFailed:
            return False
        return True


async def whole(asking: Asking, request: Request) -> list[AnyReply]:
    return [reply async for reply in asking.answer(request)]


@asynccontextmanager
async def open_office(folder: Path) -> AsyncIterator[Office]:
    office = Office(folder)
    await office.shelf.open()
    await office.accounts.ensure_admin(PASSWORD)
    await office.server.start()
    try:
        yield office
    finally:
        await office.server.stop()
        await office.accounts.stop()


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(tmp_path) as opened:
        yield opened


async def test_user_is_added_listed_and_logs_in(office: Office) -> None:
    assert await office.ask(AddUser("ben", Role.USER, PASSWORD)) == [Done()]
    *rows, last = await office.ask(ListUsers())
    assert last == Done()
    assert [(row.name, row.role, row.enabled) for row in rows if isinstance(row, UserRow)] == [
        ("admin", Role.ADMIN, True),
        (OWNER, Role.USER, True),
        ("ben", Role.USER, True),
    ]
    assert await office.logs_in("ben", PASSWORD)


async def test_password_role_and_enabling_change(office: Office) -> None:
    await office.ask(AddUser("ben", Role.USER, PASSWORD))
    ended: list[int] = []
    office.accounts.on_ended(lambda account_id, session_id: ended.append(account_id))
    await office.ask(SetPassword("ben", PASSWORD + "!"))
    assert await office.logs_in("ben", PASSWORD + "!")
    await office.ask(SetRole("ben", Role.ADMIN))
    await office.ask(SetEnabled("ben", False))
    assert not await office.logs_in("ben", PASSWORD + "!")
    await office.ask(SetEnabled("ben", True))
    assert await office.logs_in("ben", PASSWORD + "!")
    assert len(ended) >= 3, "doors are told, so that they drop the account's connections"


async def test_deleted_users_uploads_are_forgotten(office: Office) -> None:
    await office.ask(AddUser("ben", Role.USER, PASSWORD))
    assert await office.ask(DeleteUser("ben")) == [Done()]
    assert not await office.logs_in("ben", PASSWORD)


ERRORS: Sequence[tuple[Request, type[FileshareError]]] = [
    (AddUser("admin", Role.USER, PASSWORD), Conflict),
    (AddUser("ben", Role.USER, "short"), BadPassword),
    (SetPassword("nobody", PASSWORD), NotFound),
    (DeleteUser("admin"), Conflict),
]


@pytest.mark.parametrize(("request_", "error"), ERRORS)
async def test_errors_come_back_as_they_were(
    office: Office, request_: Request, error: type[FileshareError]
) -> None:
    with pytest.raises(error) as told:
        await office.ask(request_)
    assert type(told.value) is error
    assert told.value.message


async def test_several_requests_share_a_conversation(office: Office) -> None:
    async with ask_server(office.folder) as asking:
        with pytest.raises(NotFound):
            await whole(asking, SetRole("nobody", Role.USER))
        assert len(await whole(asking, ListUsers())) == 3


async def test_emptied_trash_is_free_space(office: Office) -> None:
    await office.shelf.put("a", large("x"))
    await office.shelf.trash("a")
    (row, _) = await office.ask(ListTrash())
    assert isinstance(row, TrashRow)
    assert (row.path, row.size) == ("a", len(large("x")))
    assert await office.ask(EmptyTrash(older_than=1)) == [Freed(0)]
    assert await office.ask(EmptyTrash()) == [Freed(len(large("x")))]
    assert await office.shelf.lying() == set()


async def test_deletion_rests_until_the_asker_hangs_up(office: Office) -> None:
    await office.shelf.put("a", large("x"))
    await office.shelf.purge("a")
    async with ask_server(office.folder) as asking:
        await asking.rest_deletion()
        sweep = asyncio.create_task(office.sweeper.collect())
        await office.ask(ListUsers())
        assert digest_of(large("x")) in await office.shelf.lying()
    assert await sweep == 1
    assert await office.shelf.lying() == set()


async def test_trash_is_emptied_at_once_also_while_a_backup_runs(office: Office) -> None:
    await office.shelf.put("a", large("x"))
    await office.shelf.trash("a")
    async with ask_server(office.folder) as asking:
        await asking.rest_deletion()
        assert await office.ask(EmptyTrash()) == [Freed(len(large("x")))]
        assert await office.shelf.lying() == {digest_of(large("x"))}
    assert await office.sweeper.collect() == 1


async def test_what_is_done_by_command_is_audited(office: Office) -> None:
    await office.ask(AddUser("ben", Role.USER, PASSWORD))
    (event, *_) = await office.audit.events(caller(), limit=1)
    assert (event.action, event.door, event.detail.split(":")[0]) == ("user_add", "command", "ben")
    assert PASSWORD not in str(event)


async def test_socket_is_for_its_owner_alone(office: Office) -> None:
    mode = (office.folder / place.NAME).stat().st_mode
    assert (stat.S_ISSOCK(mode), stat.S_IMODE(mode)) == (True, 0o600)


async def test_other_users_are_refused_whatever_the_mode(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "user_at", lambda connection: os.geteuid() + 1)
    with pytest.raises(Forbidden):
        await office.ask(ListUsers())


async def test_peer_is_told_by_the_kernel() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert place.user_at(ours) == os.geteuid()


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense\n",
        b'{"ask":"shutdown"}\n',
        b'{"ask":"user-list","more":1}\n',
        b"[" * 5000 + b"\n",
        b"\xff\n",
    ],
)
async def test_nonsense_gets_one_answer_and_the_server_goes_on(office: Office, line: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(sock=place.connect(office.folder))
    writer.write(line)
    assert b'"protocol"' in await reader.readline()
    assert await reader.read() == b""
    writer.close()
    assert len(await office.ask(ListUsers())) == 3


async def test_endless_line_is_refused(office: Office) -> None:
    reader, writer = await asyncio.open_unix_connection(sock=place.connect(office.folder))
    writer.write(b"x" * (MAX_LINE * 4))
    assert b'"protocol"' in await reader.readline()
    writer.close()


async def test_stopping_hangs_up_and_takes_the_socket_away(tmp_path: Path) -> None:
    async with open_office(tmp_path) as office, ask_server(tmp_path) as asking:
        await asking.rest_deletion()
        await office.server.stop()
        assert not (tmp_path / place.NAME).exists()
        with pytest.raises(Unavailable):
            await whole(asking, ListUsers())
        with pytest.raises(Unavailable):
            await office.ask(ListUsers())


async def test_socket_of_a_killed_server_is_replaced(tmp_path: Path) -> None:
    place.listen(tmp_path).close()
    with pytest.raises(Unavailable):
        async with ask_server(tmp_path):
            pass
    async with open_office(tmp_path) as office:
        assert len(await office.ask(ListUsers())) == 3


async def test_deep_data_folder_has_a_socket_too(tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 20) / ("deeper" * 20)
    folder.mkdir(parents=True)
    async with open_office(folder) as office:
        assert len(await office.ask(ListUsers())) == 3
    assert not (folder / place.NAME).exists()
