"""One writer per upload, one holder per digest."""

import asyncio

import pytest

from fileshare.errors import UploadBusy
from fileshare.services.locks import DigestLocks, UploadLocks


async def test_the_newest_claim_wins_and_claims_wait_their_turn() -> None:
    locks = UploadLocks(patience=1)
    order: list[str] = []
    first = await locks.claim("u", lambda: order.append("first is asked"))

    async def claim(name: str) -> None:
        lease = await locks.claim("u", lambda: order.append(f"{name} is asked"))
        order.append(f"{name} has it")
        locks.release(lease)

    waiting = [asyncio.create_task(claim("second")), asyncio.create_task(claim("third"))]
    await asyncio.sleep(0)
    assert order == ["first is asked"]
    assert first.superseded
    locks.release(first)
    await asyncio.gather(*waiting)
    assert order[1:] in (["second has it", "third has it"], ["third has it", "second has it"])
    assert len(locks) == 0


async def test_a_holder_that_keeps_it_makes_the_newcomer_busy() -> None:
    locks = UploadLocks(patience=0.01)
    lease = await locks.claim("u", lambda: None)
    with pytest.raises(UploadBusy):
        await locks.claim("u", lambda: None)
    assert locks.holder("u") is lease


async def test_a_late_release_does_not_free_the_next_holders_lease() -> None:
    locks = UploadLocks()
    first = await locks.claim("u", lambda: None)
    locks.release(first)
    second = await locks.claim("u", lambda: None)
    locks.release(first)
    assert locks.holder("u") is second


async def test_digests_are_held_one_at_a_time_and_forgotten() -> None:
    locks = DigestLocks()
    inside = 0

    async def hold(*digests: str) -> None:
        nonlocal inside
        async with locks.hold(*digests):
            inside += 1
            assert inside == 1
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(hold("a"), hold("a", "b"), hold("b", "a"), hold("a"))
    assert not locks._locks


async def test_a_cancelled_wait_leaves_the_lock_usable() -> None:
    locks = DigestLocks()
    async with locks.hold("a"):
        waiting = asyncio.create_task(locks.hold("a").__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with asyncio.timeout(1), locks.hold("a"):
        pass
