"""The queue's model by itself: phases, sums, speed and time left, without the network and without a clock."""

from typing import Any

from tests.browser.conftest import Visiting
from tests.web.house import open_house

BEGIN = """async () => {
  const address = document.querySelector("script[src*='upload/main.js']").src;
  const { Queue } = await import(address.replace("main.js", "queue.js"));
  let now = 0;
  let ids = 0;
  const pass = (milliseconds) => { now += milliseconds; };
  const file = (size, lastModified = 1) => ({ size, lastModified });
  const queue = new Queue(() => `id ${++ids}`, () => now);
"""


async def run(visit: Visiting, steps: str) -> Any:
    async with open_house() as house:
        one = await visit(house, "anna")
        await one.go("/account")
        return await one.page.evaluate(BEGIN + steps + "\n}")


async def test_item_goes_through_its_phases_and_no_others(visit: Visiting) -> None:
    found = await run(
        visit,
        """
  const { added: [item] } = queue.add([{ path: "a/b.txt", file: file(10) }]);
  const events = ["finish", "pause", "hash", "resume", "hash", "hashed", "upload", "fail", "upload", "resume",
    "upload", "finish", "pause", "fail"];
  const possible = events.map((event) => queue.move(item, event));
  return [item.phase, item.name, possible, queue.running];
  """,
    )
    possible = [True] + [False] * 13
    assert found == ["done", "b.txt", possible, False]


async def test_failed_one_that_is_chosen_again_goes_on_and_is_not_doubled(visit: Visiting) -> None:
    found = await run(
        visit,
        """
  const { added: [item] } = queue.add([{ path: "a.txt", file: file(10) }]);
  const running = queue.add([{ path: "a.txt", file: file(10) }]);
  queue.move(item, "fail", { reason: "because" });
  const { added, again } = queue.add([{ path: "a.txt", file: file(10) }]);
  const changed = queue.add([{ path: "a.txt", file: file(11) }]);
  const { length } = [...running.added, ...running.again, ...added];
  return [length, again[0] === item, item.phase, item.reason, changed.added.length, queue.items.length];
  """,
    )
    assert found == [0, True, "waiting", "", 1, 2]


async def test_sums_speed_and_time_left_follow_what_is_sent(visit: Visiting) -> None:
    found = await run(
        visit,
        """
  const { added: [one, two] } = queue.add([{ path: "a", file: file(6000) }, { path: "b", file: file(4000) }]);
  const before = queue.totals;
  queue.acknowledge(one, 2000);
  queue.move(one, "upload");
  queue.fly(one, 0);
  for (let second = 1; second <= 2; second += 1) {
    pass(1000);
    queue.fly(one, 1000 * second);
  }
  const { all, sent, speed, left } = queue.totals;
  const rate = queue.rate(one);
  queue.move(one, "pause");
  const paused = queue.totals.sent;
  pass(60000);
  const still = queue.totals;
  queue.remove([one]);
  return [before.left, all, sent, speed, left, rate, paused, still.left, queue.totals.all, queue.totals.sent];
  """,
    )
    rate = {"speed": 1000, "left": 2}
    assert found == [None, 10_000, 4000, 1000, 6, rate, 2000, None, 4000, 0]
