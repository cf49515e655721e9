"""`fileshare user`: accounts by command, beside a running server or without one."""

import asyncio
import getpass
import sys
from argparse import ArgumentParser, Namespace

from fileshare.admin.messages import (
    AddUser,
    AnyRequest,
    DeleteUser,
    ListUsers,
    SetEnabled,
    SetPassword,
    SetRole,
    UserRow,
)
from fileshare.cli.commands import Command, config_from
from fileshare.cli.nested import adding, group, with_json
from fileshare.cli.output import day_and_time, print_json, print_table, seconds
from fileshare.domain.model import Role
from fileshare.errors import BadPassword, BadRequest

MAX_PASSWORD_LINE = 4096
"""Characters of a password that are read at all; no one types more."""


def _add_name(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="name of the account")


def _add_password_stdin(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--password-stdin", action="store_true", help="read the password from the first line of stdin"
    )


def _add_role_option(parser: ArgumentParser) -> None:
    parser.add_argument("--role", choices=list(Role), type=Role, default=Role.USER, help="(default: user)")


def _add_role(parser: ArgumentParser) -> None:
    parser.add_argument("role", choices=list(Role), type=Role, help="its new role")


def _password(args: Namespace) -> str:
    """From stdin where asked for, else from the terminal, twice. Raises BadRequest, BadPassword."""
    if args.password_stdin:
        return sys.stdin.readline(MAX_PASSWORD_LINE).rstrip("\r\n")
    if not sys.stdin.isatty():
        raise BadRequest("There is no terminal to ask for the password: give it by --password-stdin.")
    password = getpass.getpass(f"Password for {args.name}: ")
    if getpass.getpass("Again: ") != password:
        raise BadPassword("The two passwords differ; nothing was changed.")
    return password


def _do(args: Namespace, request: AnyRequest, said: str, *, create: bool = False) -> int:
    asyncio.run(_ask(args, request, create=create))
    print(said)
    return 0


async def _ask(args: Namespace, request: AnyRequest, *, create: bool) -> None:
    from fileshare.cli.office import answers, reach

    async with reach(config_from(args), create=create) as office:
        await answers(office, request)


def _add_user(args: Namespace) -> int:
    request = AddUser(args.name, args.role, _password(args))
    return _do(args, request, f"Added {args.name} ({args.role}).", create=True)


def _passwd(args: Namespace) -> int:
    request = SetPassword(args.name, _password(args))
    said = f"Changed the password of {args.name}; its sessions and tokens have ended."
    # Before the first start too, so that the default password never works at all.
    return _do(args, request, said, create=True)


def _role(args: Namespace) -> int:
    return _do(args, SetRole(args.name, args.role), f"{args.name} is {args.role} now.")


def _enable(args: Namespace) -> int:
    return _do(args, SetEnabled(args.name, True), f"Enabled {args.name}.")


def _disable(args: Namespace) -> int:
    request = SetEnabled(args.name, False)
    return _do(args, request, f"Disabled {args.name}; its sessions and transfers have ended.")


def _delete(args: Namespace) -> int:
    request = DeleteUser(args.name)
    return _do(args, request, f"Deleted {args.name}; its sessions, tokens and uploads ended, its files stay.")


def _list(args: Namespace) -> int:
    rows = asyncio.run(_users(args))
    if args.json:
        for row in rows:
            print_json(
                name=row.name,
                role=row.role,
                enabled=row.enabled,
                default_password=row.default_password,
                created=seconds(row.created),
                last_login=seconds(row.last_login),
            )
    else:
        print_table(
            ("NAME", "ROLE", "STATE", "CREATED", "LAST LOGIN"),
            [
                (row.name, row.role, _state(row), day_and_time(row.created), day_and_time(row.last_login))
                for row in rows
            ],
        )
    return 0


async def _users(args: Namespace) -> list[UserRow]:
    from fileshare.cli.office import answers, reach

    async with reach(config_from(args)) as office:
        return [row for row in await answers(office, ListUsers()) if isinstance(row, UserRow)]


def _state(row: UserRow) -> str:
    if not row.enabled:
        return "disabled"
    return "default password" if row.default_password else "enabled"


USER = group(
    "user",
    "Add, change, list and delete accounts.",
    (
        Command(
            "add",
            "Add an account.",
            _add_user,
            adding(_add_name, _add_role_option, _add_password_stdin),
        ),
        Command(
            "passwd",
            "Set an account's password; its sessions and tokens end.",
            _passwd,
            adding(_add_name, _add_password_stdin),
        ),
        Command("role", "Change an account's role.", _role, adding(_add_name, _add_role)),
        Command("disable", "Let nobody log in, and end what goes on.", _disable, _add_name),
        Command("enable", "Let an account log in again.", _enable, _add_name),
        Command("delete", "Delete an account; its files stay.", _delete, _add_name),
        Command("list", "List the accounts.", _list, with_json),
    ),
)
