"""Every target takes its good input, some thousand mutations of it, and what was once found by fuzzing."""

import random

import pytest

from tests.fuzz.mutations import spoil
from tests.fuzz.targets import TARGETS

FOUND = (("tus", b"8\x1d"),)
"""What failed once, and is held to pass."""


@pytest.mark.filterwarnings("ignore::aiohttp.BadContentDispositionHeader")
@pytest.mark.filterwarnings("ignore::aiohttp.BadContentDispositionParam")
@pytest.mark.parametrize("name", TARGETS)
def test_target_survives_mutations(name: str) -> None:
    target, good = TARGETS[name]
    chance = random.Random(name)
    for data in good:
        target(data)
    for _ in range(300):
        target(spoil(chance, chance.choice(good)))


@pytest.mark.parametrize(("name", "data"), FOUND)
def test_what_was_found_once(name: str, data: bytes) -> None:
    TARGETS[name][0](data)
