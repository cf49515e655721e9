"""Passwords: what may be chosen, what is stored, and who waits for whom."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable

import bcrypt
import pytest

from fileshare.errors import BadPassword, TooManyAttempts, Unavailable
from fileshare.services import passwords as module
from fileshare.services.password_policy import MIN_LENGTH, check_policy, common_passwords
from fileshare.services.passwords import COST, Passwords

GOOD = "correct horse"


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    made = Passwords(cost=4)
    yield made
    await made.stop()


class Gate:
    """Stands in for the hash: lets one check through at a time, in the order that is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.began: list[str] = []
        self._open = threading.Semaphore(0)
        monkeypatch.setattr(module, "_matches", self._matches)

    def _matches(self, password: str, password_hash: str) -> bool:
        self.began.append(password)
        self._open.acquire()
        return True

    def let(self, count: int) -> None:
        self._open.release(count)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


# What may be chosen


@pytest.mark.parametrize(
    "password", ["12345678", "password", "PASSWORD", "Passw0rd", "admin123", "qwertyuiop", "iloveyou"]
)
def test_the_commonest_passwords_are_refused(password: str) -> None:
    with pytest.raises(BadPassword, match="commonest"):
        check_policy(password, "anna")


@pytest.mark.parametrize("password", ["", "short", "1234567", "ö" * 7])
def test_short_passwords_are_refused(password: str) -> None:
    with pytest.raises(BadPassword, match="short"):
        check_policy(password, "anna")


def test_an_endless_password_is_refused() -> None:
    with pytest.raises(BadPassword, match="long"):
        check_policy("x" * 5000, "anna")


@pytest.mark.parametrize(
    "password",
    ["zebrafin", "        ", "all lower case letters", "пароль семьи", "8" * 7 + "9", "🦓🦓🦓🦓🦓🦓🦓🦓"],
)
def test_there_are_no_rules_of_composition(password: str) -> None:
    check_policy(password, "anna")


def test_every_common_password_would_otherwise_be_allowed() -> None:
    common = common_passwords()
    assert len(common) > 10_000
    assert all(len(password) >= MIN_LENGTH and password == password.casefold() for password in common)


@pytest.mark.parametrize(
    "password", ["anna-2026!", "!Anna-1234567", "fileshare!", "FileShare-12", "anna@fileshare"]
)
def test_names_of_the_account_and_of_the_product_are_refused(password: str) -> None:
    with pytest.raises(BadPassword, match="little more than"):
        check_policy(password, "Anna")


@pytest.mark.parametrize(
    ("password", "name"), [("annas zebra", "anna"), ("b-a1b2c3d-4", "a"), ("anna-2026!", "bert")]
)
def test_name_may_be_a_part_of_a_password(password: str, name: str) -> None:
    check_policy(password, name)


def test_list_of_common_passwords_leaves_no_library_behind() -> None:
    common_passwords.cache_clear()
    common_passwords()
    assert not [module for module in sys.modules if module.startswith("zxcvbn")]


async def test_a_refused_password_is_not_hashed(passwords: Passwords) -> None:
    with pytest.raises(BadPassword):
        await passwords.hash("short", "anna")


# What is stored


async def test_a_password_matches_its_own_hash_only(passwords: Passwords) -> None:
    hashed = await passwords.hash(GOOD, "anna")
    assert await passwords.check(GOOD, hashed, "a")
    assert not await passwords.check(GOOD + " ", hashed, "a")
    assert not await passwords.check("", hashed, "a")


async def test_two_people_with_one_password_have_two_hashes(passwords: Passwords) -> None:
    assert await passwords.hash(GOOD, "anna") != await passwords.hash(GOOD, "anna")


async def test_what_follows_the_72nd_byte_counts(passwords: Passwords) -> None:
    hashed = await passwords.hash("x" * 100, "anna")
    assert await passwords.check("x" * 100, hashed, "a")
    assert not await passwords.check("x" * 99 + "y", hashed, "a")
    assert not await passwords.check("x" * 72, hashed, "a")


async def test_what_follows_a_nul_counts(passwords: Passwords) -> None:
    hashed = await passwords.hash("before\0after", "anna")
    assert not await passwords.check("before\0other", hashed, "a")


async def test_two_keyboards_type_one_password(passwords: Passwords) -> None:
    hashed = await passwords.hash("caf\u00e9 au lait", "anna")
    assert await passwords.check("cafe\u0301 au lait", hashed, "a")


async def test_text_that_is_no_unicode_and_text_without_end_are_only_wrong(passwords: Passwords) -> None:
    hashed = await passwords.hash(GOOD, "anna")
    assert not await passwords.check("\ud800", hashed, "a")
    assert not await passwords.check("y" * 1_000_000, hashed, "a")


@pytest.mark.parametrize("nonsense", ["!", "", "$2b$12$short", "ä"])
async def test_a_hash_that_bcrypt_did_not_make_matches_nothing(passwords: Passwords, nonsense: str) -> None:
    assert not await passwords.check(GOOD, nonsense, "a")


def test_the_cost_is_the_one_we_promise() -> None:
    assert COST == 12
    assert Passwords()._dummy.startswith("$2b$12$")


async def test_an_unknown_user_costs_a_whole_check_at_the_same_cost(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[bytes] = []
    real: Callable[[bytes, bytes], bool] = bcrypt.checkpw

    def watched(password: bytes, hashed: bytes) -> bool:
        checked.append(hashed)
        return real(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", watched)
    known = await passwords.hash(GOOD, "anna")
    assert not await passwords.check(GOOD, None, "a")
    assert not await passwords.check("wrong", known, "a")
    unknown, wrong = checked
    assert unknown[:7] == wrong[:7] == b"$2b$04$"
    assert len(unknown) == len(wrong)


# Who waits for whom


async def test_a_lone_address_does_not_wait_behind_a_crowd(gate: Gate) -> None:
    passwords = Passwords(cost=4, threads=1)
    crowd = [passwords.check(f"crowd {n}", "hash", "crowd") for n in range(5)]
    owner = passwords.check("owner", "hash", "owner")
    gate.let(6)
    await asyncio.gather(*crowd, owner)
    assert gate.began.index("owner") <= 2
    await passwords.stop()


async def test_a_full_line_refuses_before_any_hash(gate: Gate) -> None:
    passwords = Passwords(cost=4, threads=1, waiting=10, waiting_per_address=2)
    waiting = [passwords.check(f"flood {n}", "hash", "flood") for n in range(3)]
    with pytest.raises(TooManyAttempts) as refused:
        passwords.check("one more", "hash", "flood")
    assert refused.value.retry_after > 0
    gate.let(3)
    await asyncio.gather(*waiting)
    assert "one more" not in gate.began
    await passwords.stop()


async def test_a_flood_from_one_address_gives_way_to_the_owner(gate: Gate) -> None:
    passwords = Passwords(cost=4, threads=1, waiting=3, waiting_per_address=3)
    flood = [passwords.check(f"flood {n}", "hash", "flood") for n in range(4)]
    owner = passwords.check("owner", "hash", "owner")
    gate.let(4)
    assert await owner
    with pytest.raises(TooManyAttempts):
        await flood[-1]
    assert all(await asyncio.gather(*flood[:-1]))
    await passwords.stop()


async def test_a_new_password_is_never_refused_and_comes_first(gate: Gate) -> None:
    passwords = Passwords(cost=4, threads=1, waiting=2, waiting_per_address=2)
    flood = [passwords.check(f"flood {n}", "hash", "flood") for n in range(3)]
    hashing = asyncio.create_task(passwords.hash(GOOD, "anna"))
    await asyncio.sleep(0)
    gate.let(1)
    await hashing
    assert len(gate.began) <= 2
    gate.let(2)
    await asyncio.gather(*flood)
    await passwords.stop()


async def test_a_check_that_nobody_waits_for_is_not_made(gate: Gate) -> None:
    passwords = Passwords(cost=4, threads=1)
    first = passwords.check("first", "hash", "a")
    passwords.check("gone", "hash", "b").cancel()
    last = passwords.check("last", "hash", "c")
    gate.let(2)
    await asyncio.gather(first, last)
    assert gate.began == ["first", "last"]
    await passwords.stop()


async def test_the_loop_goes_on_while_passwords_are_checked(gate: Gate) -> None:
    passwords = Passwords(cost=4, threads=1)
    checking = passwords.check("slow", "hash", "a")
    await asyncio.sleep(0)
    assert not checking.done()
    gate.let(1)
    assert await checking
    await passwords.stop()


async def test_stopping_ends_what_runs_and_refuses_what_waits(gate: Gate) -> None:
    passwords = Passwords(cost=4, threads=1)
    runs, waits = passwords.check("runs", "hash", "a"), passwords.check("waits", "hash", "b")
    gate.let(1)
    await passwords.stop()
    await passwords.stop()
    assert await runs
    with pytest.raises(Unavailable):
        await waits
    with pytest.raises(Unavailable):
        passwords.check("late", "hash", "a")
