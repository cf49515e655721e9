"""The command line of `fileshare-client`: every command and flag, in one table.

Knows no network. Which module runs a command stands here as text, so that only that one
is imported.
"""

import os
from argparse import SUPPRESS, Action, ArgumentParser, ArgumentTypeError, HelpFormatter, Namespace
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import cast

from msgspec import Struct

from fileshare import __version__


class Command(Struct, frozen=True):
    """One command: what it says of itself, its arguments, and where it is done (`module:function`)."""

    help: str
    add: Callable[[ArgumentParser], None]
    run: str
    examples: str = ""


def _login(parser: ArgumentParser) -> None:
    parser.add_argument("user", metavar="USER")
    parser.add_argument(
        "password",
        metavar="PASSWORD",
        nargs="?",
        help="asked for when left out, which keeps it off the screen",
    )
    parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")


def _nothing(_: ArgumentParser) -> None:
    """No arguments."""


def _list(parser: ArgumentParser) -> None:
    _remote(
        parser, "path", nargs="?", default="", help="the folder, or a file (default: everything at the top)"
    )
    parser.add_argument("--recursive", "-r", action="store_true", help="what is below its folders as well")


def _path(parser: ArgumentParser) -> None:
    _remote(parser, "path")


def _restore(parser: ArgumentParser) -> None:
    _remote(parser, "path")
    parser.add_argument(
        "--version", dest="number", metavar="N", type=_number, help="the version; default: out of the trash"
    )


def _delete(parser: ArgumentParser) -> None:
    _remote(parser, "path", nargs="+")
    parser.add_argument("--forever", action="store_true", help="for good, instead of into the trash")


def _move(parser: ArgumentParser) -> None:
    _remote(parser, "path", metavar="FROM")
    _remote(parser, "to", metavar="TO")


def _mkdir(parser: ArgumentParser) -> None:
    _remote(parser, "path", nargs="+")


def _upload(parser: ArgumentParser) -> None:
    parser.add_argument("sources", metavar="SRC", nargs="+", help="files and folders; `-` is standard input")
    _remote(parser, "--to", metavar="FOLDER", default="", help="the folder on the server (default: the top)")
    parser.add_argument("--name", metavar="NAME", help="another name than its own, for a single SRC or `-`")
    parser.add_argument("--recursive", "-r", action="store_true", help="folders with all that is in them")
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="become the next version of what is there (as --on-conflict replace)",
    )
    parser.add_argument(
        "--on-conflict",
        choices=("keep-both", "skip-same", "replace"),
        help="where the name is taken: store as NAME_v2 (the default), skip the same content, or replace",
    )
    parser.add_argument("--follow-links", action="store_true", help="upload what symbolic links point to")
    _moving(parser)


def _download(parser: ArgumentParser) -> None:
    _remote(parser, "path", nargs="+", dest="paths")
    parser.add_argument(
        "--output",
        "-o",
        metavar="FILE|DIR|-",
        help="where to (default: the setting download_dir); `-` prints it",
    )
    parser.add_argument("--resume", action="store_true", help="go on with what an earlier download left")
    parser.add_argument("--recursive", "-r", action="store_true", help="folders with all that is in them")
    parser.add_argument("--overwrite", action="store_true", help="replace local files that differ")
    parser.add_argument(
        "--version", dest="number", metavar="N", type=_number, help="an older version than the current one"
    )
    _moving(parser)


def _resume(parser: ArgumentParser) -> None:
    parser.add_argument(
        "source",
        metavar="SRC",
        nargs="?",
        help="a local or remote path (default: everything that is half done)",
    )
    _remote(parser, "--to", metavar="FOLDER", default="", help="where an upload begun elsewhere is going")
    parser.add_argument(
        "--forget", action="store_true", help="forget it instead; nothing is moved or deleted"
    )
    _moving(parser)


def _check(parser: ArgumentParser) -> None:
    parser.add_argument("source", metavar="SRC", help="a local file or folder")
    _remote(parser, "path")


def _completion(parser: ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def _moving(parser: ArgumentParser) -> None:
    """What everything takes that moves files."""
    parser.add_argument("--limit-rate", metavar="RATE", help="most bytes per second, such as 500K or 2M")
    parser.add_argument("--jobs", metavar="N", help="connections that move files at once (default: 1)")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")


def _remote(parser: ArgumentParser, name: str, **more: object) -> Action:
    """An argument that is a path on the server; the shell completes it from there."""
    if not name.startswith("-"):
        more.setdefault("metavar", "PATH")
    if "dest" in more:
        name = cast(str, more.pop("dest"))
    action = parser.add_argument(name, **more)  # type: ignore[arg-type]
    action.completer = _remote_paths  # type: ignore[attr-defined]
    return action


def _remote_paths(prefix: str, parsed_args: Namespace, **_: object) -> list[str]:
    from fileshare.cli.completion import remote_paths

    return remote_paths(prefix, parsed_args)


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not the number of a version")
    return int(text)


COMMANDS: dict[str, Command] = {
    "login": Command("log in, and keep a token for later commands", _login, "client_accounts:login"),
    "logout": Command("end the login", _nothing, "client_accounts:logout"),
    "whoami": Command("tell which account is logged in", _nothing, "client_accounts:who_am_i"),
    "list": Command("list files and folders", _list, "client_files:list_entries"),
    "info": Command("tell about one file or folder", _path, "client_files:info"),
    "versions": Command("list the versions of a file", _path, "client_files:versions"),
    "upload": Command("send files and folders", _upload, "client_uploads:upload"),
    "download": Command("fetch files and folders", _download, "client_downloads:download"),
    "resume": Command("go on with what is half done", _resume, "client_resume:resume"),
    "check": Command("compare local files with the server's, by digest", _check, "client_check:check"),
    "restore": Command(
        "make an old version current, or take out of the trash", _restore, "client_files:restore"
    ),
    "delete": Command("move to the trash, or delete for good", _delete, "client_files:delete"),
    "move": Command("give a file or folder another path", _move, "client_files:move"),
    "mkdir": Command("make a folder", _mkdir, "client_files:make_folders"),
    "completion": Command("print the completion script of a shell", _completion, "completion:script"),
}


def run_of(name: str) -> Callable[..., int]:
    """The function that does a command."""
    module, _, function = COMMANDS[name].run.partition(":")
    return cast("Callable[..., int]", getattr(import_module(f"fileshare.cli.{module}"), function))


def parser_for(arguments: Sequence[str]) -> ArgumentParser:
    """The parser. Of commands that the line does not name only the name is known, which saves start-up."""
    named = [word for word in arguments if word in COMMANDS]
    parser = ArgumentParser(
        prog="fileshare-client",
        description="Move files to and from a fileshare server, verified and resumable.",
        formatter_class=Formatter,
    )
    parser.add_argument("--version", action="version", version=f"fileshare-client {__version__}")
    _shared(parser, top=True)
    # `prog` spares argparse a look at the terminal, which costs 4 ms.
    commands = parser.add_subparsers(
        prog="fileshare-client", dest="command", metavar="COMMAND", required=True
    )
    for name, command in COMMANDS.items():
        if named and name not in named:
            continue
        sub = commands.add_parser(
            name, help=command.help, description=_sentence(command.help), formatter_class=Formatter
        )
        command.add(sub)
        _shared(sub, top=False)
    return parser


class Formatter(HelpFormatter):
    """As argparse's own, which would import shutil (5 ms) for the width, also where nothing is printed."""

    def __init__(self, prog: str) -> None:
        columns = os.environ.get("COLUMNS", "")
        try:
            width = int(columns) if columns.isdecimal() else os.get_terminal_size().columns
        except OSError:
            width = 80
        super().__init__(prog, width=max(width - 2, 40))


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def _shared(parser: ArgumentParser, *, top: bool) -> None:
    """What stands before or behind the command."""
    default = None if top else SUPPRESS
    group = parser.add_argument_group("server and output")
    group.add_argument("--host", default=default, help="the server's name or address (default: localhost)")
    group.add_argument("--port", default=default, help="its TCP port (default: 9000)")
    group.add_argument("--tls", action="store_const", const="true", default=default, help="speak TLS")
    group.add_argument("--ca", metavar="FILE", default=default, help="authority of the server's certificate")
    group.add_argument("--json", action="store_true", default=False if top else SUPPRESS, help="print events")
    group.add_argument(
        "--quiet", "-q", action="store_true", default=False if top else SUPPRESS, help="print errors only"
    )
