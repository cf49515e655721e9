"""`fileshare`: serves files, and looks after those it serves.

Parses, runs one command of the table and turns what went wrong into one sentence.
Commands import what they need when they run, so that help and completion are quick.
"""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from fileshare import __version__
from fileshare.cli.admin import ADMIN_COMMANDS
from fileshare.cli.commands import Command, add_settings
from fileshare.cli.configuration import CONFIG
from fileshare.cli.serving import SERVE
from fileshare.errors import FileshareError

COMMANDS: tuple[Command, ...] = (SERVE, *ADMIN_COMMANDS, CONFIG)
"""Every subcommand, in the order in which help lists them."""

FAILED = 1
INTERRUPTED = 130
"""As shells count: 128 and the number of SIGINT."""


def make_parser(commands: Sequence[Command] = COMMANDS) -> ArgumentParser:
    """The parser of the whole command line."""
    parser = ArgumentParser("fileshare", description="Self-hosted file sharing.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"fileshare {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in commands:
        # Without abbreviations a flag that a later version adds can't change what a script means.
        sub = subparsers.add_parser(
            command.name, help=command.help, description=command.help, allow_abbrev=False
        )
        command.add(sub)
        add_settings(sub, command.settings)
        sub.set_defaults(run=command.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit number. Exits with 2 by itself for wrong usage."""
    parser = make_parser()
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser)
    args = parser.parse_args(arguments)
    try:
        return _run(args)
    except FileshareError as error:
        print(f"fileshare: {error.message}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output (head, less) has enough. Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _run(args: Namespace) -> int:
    code: int = args.run(args)
    return code
