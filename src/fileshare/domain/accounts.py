"""The only place that accepts or refuses the name of an account.

Names are compared folded, so that `Bob` and `bob` are one account. A name never
becomes part of a path on disk.
"""

import unicodedata
from typing import Final

from fileshare.domain.model import ANONYMOUS_ID, Account, Role
from fileshare.errors import BadName

MAX_NAME: Final = 64
"""Characters: an e-mail address's longest local part; fits a table's column and a log line."""

SIGNS: Final = "._-@"
"""What a name may hold besides letters and digits: enough for e-mail addresses."""

ANONYMOUS: Final = Account(
    ANONYMOUS_ID, "anonymous", Role.USER, enabled=True, default_password=False, created=0
)
"""Stands for callers without a login where `require_auth` is false; nobody can log in as it."""


def parse_name(text: str) -> str:
    """The name of an account, in NFC. Raises BadName."""
    if not 1 <= len(text) <= MAX_NAME:
        raise BadName(f"The name of an account has 1 to {MAX_NAME} characters.")
    name = unicodedata.normalize("NFC", text)
    if len(name) > MAX_NAME or not all(sign.isalnum() or sign in SIGNS for sign in name):
        raise BadName("The name of an account holds letters, digits and . _ - @ only.")
    if not (name[0].isalnum() or name[0] == "_"):
        # "-x" would be read as an option by the commands, ".." as a folder by URLs.
        raise BadName("The name of an account begins with a letter, a digit or _.")
    if fold(name) == ANONYMOUS.name:
        raise BadName("The name anonymous stands for callers without a login: choose another.")
    return name


def fold(name: str) -> str:
    """The form in which names are compared: case and compatible spellings make no difference."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
