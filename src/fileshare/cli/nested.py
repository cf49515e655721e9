"""Commands below a command: `fileshare user add`, `fileshare trash list`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence

from fileshare.cli.commands import Command, add_settings


def group(name: str, help_text: str, commands: Sequence[Command]) -> Command:
    """A command that only holds others; each takes the settings' flags too."""

    def add(parser: ArgumentParser) -> None:
        subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
        for command in commands:
            sub = subparsers.add_parser(
                command.name, help=command.help, description=command.help, allow_abbrev=False
            )
            command.add(sub)
            add_settings(sub, command.settings)
            sub.set_defaults(run=command.run)

    return Command(name, help_text, _never, add)


def _never(args: Namespace) -> int:
    raise AssertionError("a command of the group runs, never the group")


def adding(*add: Callable[[ArgumentParser], object]) -> Callable[[ArgumentParser], None]:
    """Several arguments for one command."""

    def add_all(parser: ArgumentParser) -> None:
        for one in add:
            one(parser)

    return add_all


def with_json(parser: ArgumentParser) -> None:
    """`--json`, for commands that list."""
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
