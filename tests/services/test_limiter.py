"""How often somebody may be wrong."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from fileshare.errors import NoSpace, TooManyAttempts
from fileshare.services.limiter import PER_ACCOUNT, PER_ADDRESS, WAITING, WINDOW, Limiter
from fileshare.storage.memory_accounts import MemoryAccounts
from tests.services.shelf import Clock

HERE, THERE = "192.0.2.1", "192.0.2.2"


class Gate:
    """A limiter, its store and its clock."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.store = MemoryAccounts()
        self.limiter = Limiter(self.store, self.clock, delay=0)

    async def fail(self, account: str = "bob", address: str = HERE, times: int = 1) -> None:
        for _ in range(times):
            (await self.limiter.admit(account, address)).fail()

    async def succeed(self, account: str = "bob", address: str = HERE) -> None:
        (await self.limiter.admit(account, address)).succeed()

    async def admitted(self, account: str = "bob", address: str = HERE) -> bool:
        try:
            attempt = await self.limiter.admit(account, address)
        except TooManyAttempts:
            return False
        attempt.close()
        return True

    async def restart(self) -> None:
        await self.limiter.stop()
        self.limiter = Limiter(self.store, self.clock, delay=0)
        await self.limiter.start()


@pytest.fixture
async def gate() -> AsyncIterator[Gate]:
    made = Gate()
    await made.limiter.start()
    yield made
    await made.limiter.stop()


async def test_ten_failures_and_the_next_is_refused(gate: Gate) -> None:
    await gate.fail(times=PER_ACCOUNT - 1)
    assert await gate.admitted()
    await gate.fail()
    assert not await gate.admitted()
    assert gate.limiter.is_full("bob", HERE)


async def test_the_refusal_says_when_to_come_again(gate: Gate) -> None:
    await gate.fail(times=PER_ACCOUNT - 1)
    gate.clock.pass_seconds(60)
    await gate.fail()
    with pytest.raises(TooManyAttempts) as refused:
        await gate.limiter.admit("bob", HERE)
    assert refused.value.retry_after == WINDOW // 1000 - 60
    gate.clock.pass_seconds(refused.value.retry_after - 1)
    assert not await gate.admitted()
    gate.clock.pass_seconds(1)
    assert await gate.admitted()


async def test_the_owner_elsewhere_still_gets_in(gate: Gate) -> None:
    await gate.fail(times=PER_ACCOUNT)
    assert await gate.admitted("bob", THERE)


async def test_others_at_the_same_address_still_get_in(gate: Gate) -> None:
    await gate.fail(times=PER_ACCOUNT)
    assert await gate.admitted("eve", HERE)


async def test_one_password_tried_on_many_names_is_stopped_by_address(gate: Gate) -> None:
    for number in range(PER_ADDRESS):
        await gate.fail(f"name{number}")
    assert not await gate.admitted("bob")
    assert not gate.limiter.is_full("bob", HERE)
    assert await gate.admitted("bob", THERE)


async def test_moving_within_ones_own_ipv6_network_gains_nothing(gate: Gate) -> None:
    for number in range(PER_ACCOUNT):
        await gate.fail("bob", f"2001:db8:0:1::{number}")
    assert not await gate.admitted("bob", "2001:db8:0:1:ffff::1")
    assert await gate.admitted("bob", "2001:db8:0:2::1")


async def test_an_ipv4_address_in_ipv6_clothes_is_the_same(gate: Gate) -> None:
    await gate.fail(times=PER_ACCOUNT)
    assert not await gate.admitted("bob", f"::ffff:{HERE}")


async def test_a_success_forgives_the_failures_of_that_pair_alone(gate: Gate) -> None:
    await gate.fail(times=PER_ACCOUNT - 1)
    await gate.fail("bob", THERE, times=PER_ACCOUNT)
    await gate.succeed()
    await gate.fail(times=PER_ACCOUNT - 1)
    assert await gate.admitted()
    assert not await gate.admitted("bob", THERE)


async def test_an_attackers_own_login_does_not_reset_the_address(gate: Gate) -> None:
    for number in range(PER_ADDRESS - 1):
        await gate.fail(f"name{number}")
    await gate.succeed("mallory")
    await gate.fail("bob")
    assert not await gate.admitted("eve")


async def test_a_hundred_guesses_at_once_get_ten_answers(gate: Gate) -> None:
    looked_at = 0

    async def guess() -> None:
        nonlocal looked_at
        attempt = await gate.limiter.admit("bob", HERE)
        looked_at += 1
        await asyncio.sleep(0)
        attempt.fail()

    outcomes = await asyncio.gather(*(guess() for _ in range(100)), return_exceptions=True)
    assert looked_at == PER_ACCOUNT
    assert sum(isinstance(outcome, TooManyAttempts) for outcome in outcomes) == 100 - PER_ACCOUNT


async def test_a_hundred_right_logins_at_once_all_get_in(gate: Gate) -> None:
    async def log_in() -> None:
        attempt = await gate.limiter.admit("bob", HERE)
        await asyncio.sleep(0)
        attempt.succeed()

    await asyncio.gather(*(log_in() for _ in range(100)))


async def test_guesses_at_many_names_at_once_are_bounded_by_address(gate: Gate) -> None:
    looked_at = 0

    async def guess(name: str) -> None:
        nonlocal looked_at
        attempt = await gate.limiter.admit(name, HERE)
        looked_at += 1
        await asyncio.sleep(0)
        attempt.fail()

    await asyncio.gather(*(guess(f"name{number}") for number in range(200)), return_exceptions=True)
    assert looked_at == PER_ADDRESS


async def test_an_attempt_that_was_never_looked_at_does_not_count(gate: Gate) -> None:
    for _ in range(PER_ACCOUNT + 1):
        (await gate.limiter.admit("bob", HERE)).close()
    assert await gate.admitted()


async def test_hanging_up_before_the_answer_does_not_save_a_guess_from_counting(gate: Gate) -> None:
    for _ in range(PER_ACCOUNT):
        attempt = await gate.limiter.admit("bob", HERE)
        check: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        attempt.follow(check)
        attempt.close()
        check.set_result(False)
        await asyncio.sleep(0)
    assert not await gate.admitted()


@pytest.mark.parametrize("outcome", [True, NoSpace(), "cancelled"])
async def test_hanging_up_counts_nothing_when_the_password_was_not_wrong(gate: Gate, outcome: object) -> None:
    for _ in range(PER_ACCOUNT + 1):
        attempt = await gate.limiter.admit("bob", HERE)
        check: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        attempt.follow(check)
        attempt.close()
        if isinstance(outcome, Exception):
            check.set_exception(outcome)
        elif outcome == "cancelled":
            check.cancel()
        else:
            check.set_result(True)
        await asyncio.sleep(0)
    assert await gate.admitted()


async def test_whoever_waits_for_a_place_may_go_away(gate: Gate) -> None:
    held = [await gate.limiter.admit("bob", HERE) for _ in range(PER_ACCOUNT)]
    waiting = asyncio.create_task(gate.limiter.admit("bob", HERE))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    for attempt in held:
        attempt.succeed()
    assert await gate.admitted()


async def test_a_restart_forgives_nothing(gate: Gate) -> None:
    await gate.fail(times=PER_ACCOUNT)
    await gate.restart()
    assert not await gate.admitted()
    gate.clock.pass_seconds(WINDOW / 1000)
    assert await gate.admitted()


async def test_a_restart_does_not_bring_back_what_was_forgiven(gate: Gate) -> None:
    await gate.fail(times=PER_ACCOUNT - 1)
    await gate.limiter.flush()
    await gate.succeed()
    await gate.fail()
    await gate.restart()
    await gate.fail(times=PER_ACCOUNT - 2)
    assert await gate.admitted()


async def test_a_new_password_forgives_every_address(gate: Gate) -> None:
    await gate.fail(times=PER_ACCOUNT)
    await gate.fail("bob", THERE, times=PER_ACCOUNT)
    gate.limiter.forgive("bob")
    assert await gate.admitted("bob", HERE)
    assert await gate.admitted("bob", THERE)


async def test_a_store_that_can_not_write_gets_the_failures_later(gate: Gate) -> None:
    gate.store.fail("note_failures", NoSpace())
    await gate.fail(times=PER_ACCOUNT)
    await gate.limiter.flush()
    await gate.restart()
    assert not await gate.admitted()


async def test_a_clock_that_is_set_back_locks_nobody_out_for_longer(gate: Gate) -> None:
    await gate.fail(times=PER_ACCOUNT)
    gate.clock.pass_seconds(-86_400)
    assert await gate.admitted()
    await gate.restart()
    assert not await gate.admitted()
    gate.clock.pass_seconds(WINDOW / 1000)
    assert await gate.admitted()


async def test_names_without_end_do_not_fill_the_memory(gate: Gate) -> None:
    for number in range(PER_ADDRESS):
        await gate.fail(f"name{number}")
    for number in range(1000):
        assert not await gate.admitted(f"other{number}")
    assert len(gate.limiter._pairs) == PER_ADDRESS
    gate.clock.pass_seconds(WINDOW / 1000 + 1)
    await gate.fail("last")
    assert len(gate.limiter._pairs) == 1


# An address that is shared


async def test_who_was_there_before_is_not_shut_out_by_the_address(gate: Gate) -> None:
    await gate.succeed()
    for number in range(PER_ADDRESS):
        await gate.fail(str(number))
    assert await gate.admitted()
    assert not await gate.admitted("eve")


async def test_who_was_there_before_has_ten_failures_as_everybody(gate: Gate) -> None:
    await gate.succeed()
    for number in range(PER_ADDRESS):
        await gate.fail(str(number))
    await gate.fail(times=PER_ACCOUNT)
    assert not await gate.admitted()


async def test_it_is_forgotten_with_a_new_password(gate: Gate) -> None:
    await gate.succeed()
    gate.limiter.forgive("bob")
    for number in range(PER_ADDRESS):
        await gate.fail(str(number))
    assert not await gate.admitted()


async def test_who_was_there_before_has_a_line_of_its_own(gate: Gate) -> None:
    stranger = await gate.limiter.admit("bob", HERE)
    assert stranger.line == HERE
    stranger.succeed()
    known = await gate.limiter.admit("bob", HERE)
    assert known.line != HERE
    known.close()


async def test_no_more_wait_than_may(gate: Gate) -> None:
    await gate.fail(times=PER_ACCOUNT - 1)
    last = await gate.limiter.admit("bob", HERE)
    waiting = [asyncio.ensure_future(gate.limiter.admit("bob", HERE)) for _ in range(WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyAttempts):
        await gate.limiter.admit("bob", HERE)
    last.close()
    for one in waiting:
        one.cancel()
    await asyncio.wait(waiting)
