"""What a subcommand of `fileshare` is, and the flags that they share.

`cli.server` runs the table of them. A command gets parsed arguments and returns its
exit number; a FileshareError that it lets out becomes one sentence and exit 1.
"""

import os
from argparse import SUPPRESS, ArgumentParser, Namespace, _ArgumentGroup
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from fileshare.config import SETTINGS, Config, InForce, config_of, in_force

SHARED = ("data_dir",)
"""The settings that every command takes as a flag, beside `--config`."""


def no_arguments(parser: ArgumentParser) -> None:
    """For a command that takes none of its own."""


@dataclass(frozen=True, slots=True)
class Command:
    """One subcommand: `add` gives it its own arguments, `run` does it and returns the exit number."""

    name: str
    help: str
    run: Callable[[Namespace], int]
    add: Callable[[ArgumentParser], None] = no_arguments
    settings: tuple[str, ...] = SHARED


def add_settings(parser: ArgumentParser, names: Iterable[str]) -> None:
    """Give a command `--config` and the flags of some settings.

    A flag that is not given leaves nothing behind, so that a command and the commands
    below it can all have it.
    """
    group = parser.add_argument_group(
        "settings, each also FILESHARE_… in the environment and a key of the TOML file"
    )
    group.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        default=SUPPRESS,
        help="TOML file (default: DATA_DIR/fileshare.toml)",
    )
    for name in names:
        _add_setting(group, name)


def _add_setting(group: _ArgumentGroup, name: str) -> None:
    setting = SETTINGS[name]
    if setting.flag is None:
        return
    default = setting.kind.show(setting.default)
    group.add_argument(
        setting.flag,
        dest=f"setting_{name}",
        default=SUPPRESS,
        metavar="|".join(setting.kind.choices) or name.rpartition("_")[2].upper(),
        help=f"{setting.doc} (default: {default})".replace("%", "%%"),
    )


def settings_from(args: Namespace) -> dict[str, InForce]:
    """The settings in force for parsed arguments. Raises BadRequest."""
    given = {name: getattr(args, f"setting_{name}", None) for name in SETTINGS}
    flags = {name: text for name, text in given.items() if text is not None}
    return in_force(flags, os.environ, getattr(args, "config", None))


def config_from(args: Namespace) -> Config:
    """The Config for parsed arguments. Raises BadRequest with one sentence."""
    return config_of(settings_from(args))
