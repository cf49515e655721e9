"""Which passwords may be chosen: long enough, not common, not made of what everybody knows here.

There are no rules of composition. What is common comes from breaches: thirty thousand that
were found most often, as zxcvbn carries them, and some of keyboards and years beside them.
"""

import re
import sys
from functools import cache
from importlib import resources
from typing import Final

from fileshare.errors import BadPassword

MIN_LENGTH: Final = 8
"""Characters, the least that OWASP ASVS 5.0 (6.2.1) allows; longer ones are the user's own wisdom."""

MAX_LENGTH: Final = 1024
"""Characters: no person types more, and normalising hostile text takes quadratic time."""

WORDS: Final = ("fileshare",)
"""What an attacker tries first at this door, with the account's name (ASVS 6.2.11)."""

SHORTEST_WORD: Final = 3
"""Characters of a name that counts: two stand in every other sentence."""

OWN_LETTERS: Final = 4
"""A password that has such a word needs as many letters besides: `anna2026!` is the first guess."""

_NO_LETTERS = re.compile(r"[\W\d_]+")


def check_policy(password: str, name: str) -> None:
    """Raises BadPassword when nobody of that name should have this password.

    Reads a list the first time, which takes a tenth of a second: not on the loop.
    """
    if len(password) < MIN_LENGTH:
        raise BadPassword(f"The password is too short: choose one of at least {MIN_LENGTH} characters.")
    if len(password) > MAX_LENGTH:
        raise BadPassword(f"The password is too long: choose one of at most {MAX_LENGTH} characters.")
    folded = password.casefold()
    if folded in common_passwords():
        raise BadPassword("The password is one of the commonest, which are tried first: choose another.")
    words = [word for word in (*WORDS, name.casefold()) if len(word) >= SHORTEST_WORD and word in folded]
    for word in words:
        folded = folded.replace(word, "")
    if words and len(_NO_LETTERS.sub("", folded)) < OWN_LETTERS:
        raise BadPassword(
            f"The password is little more than “{words[-1]}”, which is tried first: choose another."
        )


@cache
def common_passwords() -> frozenset[str]:
    """Those that are long enough to be chosen, in lower case."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 (a tenth of a second, seldom needed)

    ours = resources.files("fileshare.services").joinpath("common_passwords.txt").read_text("utf-8").split()
    found = frozenset(one for one in (*FREQUENCY_LISTS["passwords"], *ours) if len(one) >= MIN_LENGTH)
    # Its lists of words and names, 13 MB, are not needed by anybody here.
    for module in [module for module in sys.modules if module.split(".")[0] == "zxcvbn"]:
        del sys.modules[module]
    return found
