"""Every attack of the table, then noise, while an honest client goes on and its waits are timed."""

import threading
import time

from tests.acceptance.report import Row, none_of
from tests.acceptance.stage import Check, Stage
from tests.e2e.hostile import Answer, Attack, Seat, attack, attacks, objection
from tests.e2e.inspection import stored
from tests.e2e.talk import Version1

REQUIRED = 2000
STALL_SECONDS = 1.0
"""An honest LIST that waits longer has been stalled."""


class Hostile(Check):
    """Issue's eighth point. The count is of the attacks with random noise."""

    name = "hostile-input"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        # Logins cost a quarter of a second each at the default, and hundreds are needed here.
        self.server = stage.serve(bcrypt_cost=4, login_failures=100_000, max_unauthenticated_per_address=100)
        self.waits: list[float] = []
        self.over = threading.Event()

    def run(self) -> list[Row]:
        """The table, then the noise."""
        honest = threading.Thread(target=self._stay_honest)
        honest.start()
        try:
            table = [*attacks()]
            noise = [self._noise(table) for _ in range(self.stage.count(REQUIRED))]
            objections = [found for what in table if (found := self._objection(what, strict=True))]
            self.stage.say(f"{len(table)} attacks made")
            objections += [found for what in noise if (found := self._objection(what, strict=False))]
        finally:
            self.over.set()
            honest.join()
        slowest = max(self.waits, default=9.0)
        served = f"{len(self.waits)} LISTs, slowest {slowest * 1000:.0f} ms"
        files = sorted(stored(self.server.data_dir))
        return [
            none_of(
                "hostile input: one clear error or closed", "objections", objections, len(table) + len(noise)
            ),
            Row("hostile input: others are served", "no wait over 1 s", served, slowest < STALL_SECONDS),
            none_of("hostile input: nothing was stored", "files", files, len(table)),
            self._living(),
        ]

    def _living(self) -> Row:
        complaints = self.server.complaints()
        measured = f"{'yes' if self.server.alive else 'no'}, {complaints[-200:] or 'none'}"
        good = self.server.alive and not complaints
        return Row("hostile input: server lives, without a traceback", "yes, none", measured, good)

    def _objection(self, what: Attack, *, strict: bool) -> str:
        try:
            answer = attack(self.server.address, what)
        except TimeoutError:
            return f"{what.name}: neither answered nor closed"
        if not strict and _let_through(answer):
            return ""
        found = objection(answer)
        return f"{what.name}: {found}" if found else ""

    def _noise(self, table: list[Attack]) -> Attack:
        """An attack of the table with some of its bytes changed, cut or doubled."""
        chance = self.stage.chance
        pattern = chance.choice(table)
        data = bytearray(pattern.data[:5000])
        for _ in range(chance.randint(1, 5)):
            at = chance.randrange(len(data) + 1)
            data[at : at + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
        seat = chance.choice([pattern.seat, Seat.STRANGER, Seat.USER2])
        return Attack(f"noise {bytes(data)!r} from {seat.name}", seat, bytes(data), hangs_up=True)

    def _stay_honest(self) -> None:
        with Version1(self.server.address).log_in() as talk:
            while not self.over.wait(0.02):
                started = time.perf_counter()
                talk.names()
                self.waits.append(time.perf_counter() - started)


def _let_through(answer: Answer) -> bool:
    """Noise may happen to be a good request."""
    return all(status == "OK" for status, _ in answer.replies)
