"""The commands of `fileshare` beside `serve` and `config`: accounts, upkeep, trash."""

from fileshare.cli.commands import Command
from fileshare.cli.trash import TRASH
from fileshare.cli.upkeep import UPKEEP
from fileshare.cli.users import USER

ADMIN_COMMANDS: tuple[Command, ...] = (USER, *UPKEEP, TRASH)
"""In the order in which help lists them."""
