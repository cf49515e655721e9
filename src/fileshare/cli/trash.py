"""`fileshare trash`: what was deleted, and deleting it for good."""

import asyncio
from argparse import ArgumentParser, Namespace

from fileshare.admin.messages import EmptyTrash, Freed, ListTrash, TrashRow
from fileshare.cli.commands import Command, config_from
from fileshare.cli.nested import group, with_json
from fileshare.cli.output import day_and_time, in_words, print_json, print_table, seconds, shown

DAY_MS = 86_400_000


def _list(args: Namespace) -> int:
    rows = asyncio.run(_entries(args))
    if args.json:
        for row in rows:
            print_json(
                id=row.id,
                path=row.path,
                kind=row.kind,
                size=row.size,
                deleted=seconds(row.deleted),
                deleted_by=row.deleted_by,
            )
    else:
        print_table(
            ("ID", "KIND", "SIZE", "DELETED", "BY", "PATH"),
            [
                (
                    str(row.id),
                    row.kind,
                    in_words(row.size),
                    day_and_time(row.deleted),
                    row.deleted_by,
                    shown(row.path),
                )
                for row in rows
            ],
        )
    return 0


async def _entries(args: Namespace) -> list[TrashRow]:
    from fileshare.cli.office import answers, reach

    async with reach(config_from(args)) as office:
        return [row for row in await answers(office, ListTrash()) if isinstance(row, TrashRow)]


def _add_older_than(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--older-than",
        metavar="DAYS",
        type=float,
        default=0.0,
        help="only what was deleted so many days ago or earlier (default: all)",
    )


def _empty(args: Namespace) -> int:
    freed = asyncio.run(_freed(args))
    print(f"Emptied the trash: {in_words(freed)} given up for good.")
    return 0


async def _freed(args: Namespace) -> int:
    from fileshare.cli.office import answers, reach

    request = EmptyTrash(older_than=max(0, round(args.older_than * DAY_MS)))
    async with reach(config_from(args)) as office:
        return sum(row.size for row in await answers(office, request) if isinstance(row, Freed))


TRASH = group(
    "trash",
    "List what was deleted, or delete it for good.",
    (
        Command("list", "List what is in the trash.", _list, with_json),
        Command("empty", "Delete for good what is in the trash.", _empty, _add_older_than),
    ),
)
