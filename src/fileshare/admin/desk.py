"""Does what an administrator asks for by command, whether through the socket or without a server.

Each request is one call of a service, as the same right as an admin's through a door,
and noted in the audit trail under the name of the operating system's user.
"""

import os
import pwd
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import assert_never

from fileshare.admin.messages import (
    AddUser,
    AnyReply,
    AnyRequest,
    DeleteUser,
    Done,
    EmptyTrash,
    Freed,
    ListTrash,
    ListUsers,
    RestDeletion,
    SetEnabled,
    SetPassword,
    SetRole,
    TrashRow,
    UserRow,
)
from fileshare.domain.model import ANONYMOUS_ID, Account, Caller, Door, Role
from fileshare.errors import BadRequest
from fileshare.services.accounts import Accounts
from fileshare.services.files import Files
from fileshare.services.sweeper import Sweeper


def commander(uid: int) -> Caller:
    """Who asks by command: an admin without an account, named after the user of the system."""
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    account = Account(ANONYMOUS_ID, name, Role.ADMIN, enabled=True, default_password=False, created=0)
    return Caller(account, address="local", door=Door.COMMAND)


class Desk:
    """One per process that holds the data folder."""

    def __init__(
        self,
        accounts: Accounts,
        files: Files,
        sweeper: Sweeper,
        forget_uploads: Callable[[Sequence[str]], Awaitable[None]],
    ) -> None:
        """`forget_uploads` removes the parts of the uploads of a deleted account."""
        self._accounts = accounts
        self._files = files
        self._sweeper = sweeper
        self._forget_uploads = forget_uploads

    def deletion_resting(self) -> AbstractAsyncContextManager[None]:
        """Within this nothing is unlinked."""
        return self._sweeper.paused()

    async def answer(self, request: AnyRequest, caller: Caller) -> AsyncIterator[AnyReply]:
        """Do it and tell; what the last line says is durable. Raises what the services raise."""
        match request:
            case ListUsers():
                for account in await self._accounts.list(caller):
                    yield _user_row(account)
                yield Done()
            case ListTrash():
                for entry in await self._files.trashed(caller):
                    yield TrashRow(
                        entry.id, entry.path, entry.kind, entry.size, entry.deleted, entry.deleted_by
                    )
                yield Done()
            case EmptyTrash():
                yield await self._empty_trash(request, caller)
            case RestDeletion():
                raise BadRequest("That only makes sense beside a server.")
            case _:
                await self._change_account(request, caller)
                yield Done()

    async def _change_account(
        self, request: AddUser | SetPassword | SetRole | SetEnabled | DeleteUser, caller: Caller
    ) -> None:
        match request:
            case AddUser():
                await self._accounts.add(caller, request.name, request.password, request.role)
            case SetPassword():
                await self._accounts.set_password(caller, request.name, request.password)
            case SetRole():
                await self._accounts.set_role(caller, request.name, request.role)
            case SetEnabled():
                await self._accounts.set_enabled(caller, request.name, request.enabled)
            case DeleteUser():
                await self._forget_uploads(await self._accounts.delete(caller, request.name))
            case _:
                assert_never(request)

    async def _empty_trash(self, request: EmptyTrash, caller: Caller) -> Freed:
        """Also unlinks, so that the space is free when the command says so, unless a backup runs."""
        size = await self._files.empty_trash(caller, request.older_than)
        if not self._sweeper.resting:
            await self._sweeper.collect()
        return Freed(size)


def _user_row(account: Account) -> UserRow:
    return UserRow(
        account.name,
        account.role,
        account.enabled,
        account.default_password,
        account.created,
        account.last_login,
    )


def own_caller() -> Caller:
    """Who asks when there is no socket between: whoever runs this process."""
    return commander(os.geteuid())
