"""One committer for all: what waits is committed together, each with its own outcome."""

import asyncio
from collections.abc import Sequence

from fileshare.domain.model import OnConflict, Receipt
from fileshare.errors import Conflict, FileshareError, StorageFailed
from fileshare.services.batches import BATCH, Committer
from fileshare.services.ports import Finish
from fileshare.storage.memory import MemoryCatalog


class Counting(MemoryCatalog):
    """A catalog that takes a while for a commit, and remembers how many it held."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    async def finish(self, items: Sequence[Finish], now: int) -> Sequence[Receipt | FileshareError]:
        self.batches.append(len(items))
        await asyncio.sleep(0.001)
        return await super().finish(items, now)


def item(number: int, path: str = "") -> Finish:
    digest = f"{number:064x}"
    name = path or f"file-{number}"
    return Finish(1, f"{number:032x}", None, name, digest, 1, 0, OnConflict.KEEP_BOTH, data=b"x")


async def test_what_finishes_during_a_commit_goes_into_the_next() -> None:
    catalog = Counting()
    committer = Committer(catalog, lambda: 1)
    results = await asyncio.gather(*(committer.commit([item(number)]) for number in range(1, 51)))
    assert {outcome.path for (outcome,) in results if isinstance(outcome, Receipt)} == {
        f"file-{number}" for number in range(1, 51)
    }
    assert len(catalog.batches) < 5


async def test_a_batch_is_bounded() -> None:
    catalog = Counting()
    await Committer(catalog, lambda: 1).commit([item(number) for number in range(1, BATCH + 2)])
    assert catalog.batches == [BATCH, 1]


async def test_one_refused_item_leaves_the_others_alone() -> None:
    catalog = Counting()
    await catalog.make_folder("taken", 1)
    outcomes = await Committer(catalog, lambda: 1).commit([item(1), item(2, "taken"), item(3)])
    assert [type(outcome) for outcome in outcomes] == [Receipt, Conflict, Receipt]


async def test_a_failed_commit_fails_its_items_and_not_the_committer() -> None:
    catalog = Counting()
    committer = Committer(catalog, lambda: 1)
    catalog.fail("finish", StorageFailed())
    (outcome,) = await committer.commit([item(1)])
    assert isinstance(outcome, StorageFailed)
    catalog.reopen_after_failure()
    (outcome,) = await committer.commit([item(2)])
    assert isinstance(outcome, Receipt)


async def test_a_caller_that_goes_away_does_not_take_its_item_back() -> None:
    catalog = Counting()
    committer = Committer(catalog, lambda: 1)
    leaving = asyncio.create_task(committer.commit([item(1)]))
    await asyncio.sleep(0)
    leaving.cancel()
    await committer.commit([item(2)])
    assert await catalog.count_files() == 2
