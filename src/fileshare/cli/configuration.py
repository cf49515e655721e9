"""`fileshare config`: what is in force, and where each value came from."""

import json
from argparse import ArgumentParser, Namespace

from fileshare.cli.commands import Command, settings_from
from fileshare.config import SETTINGS, InForce


def _add(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def _show(args: Namespace) -> int:
    settings = list(settings_from(args).values())
    lines = _as_json(settings) if args.json else _as_text(settings)
    print(*lines, sep="\n")
    return 0


def _as_json(settings: list[InForce]) -> list[str]:
    return [
        json.dumps({"name": found.setting.name, "value": found.shown, "source": found.source})
        for found in settings
    ]


def _as_text(settings: list[InForce]) -> list[str]:
    name_width = max(len(found.setting.name) for found in settings)
    value_width = max(len(found.shown) for found in settings)
    return [
        f"{found.setting.name:{name_width}}  {found.shown:{value_width}}  {found.source}"
        for found in settings
    ]


CONFIG = Command(
    "config",
    "Show every setting that is in force, and where it came from.",
    _show,
    _add,
    settings=tuple(SETTINGS),
)
