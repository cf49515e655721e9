"""How often somebody may be wrong: failed logins by account and address, and by address.

Asked before any hash is computed, by both doors. An attempt in flight counts as one
that may fail, so that a hundred guesses at once do not get a hundred answers. Failures
are counted in memory and written behind, so that a restart forgives nothing. The
owner, at another address, always gets in; and who has logged in from an address before is
not shut out by what others at the same one get wrong, since a whole office may share it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from fileshare.domain.addresses import group_of
from fileshare.errors import FileshareError, TooManyAttempts
from fileshare.services.ports import AccountStore
from fileshare.services.write_behind import WriteBehind

PER_ACCOUNT: Final = 10
"""Failures of one account from one address: more than a person needs, too few to guess with."""

PER_ADDRESS: Final = 50
"""Failures from one address over all accounts: against one password tried on many names; an
office behind one address mistypes less."""

WINDOW: Final = 15 * 60 * 1000
"""Milliseconds over which failures are counted."""

_TIDY_EVERY: Final = 60 * 1000
"""Milliseconds between two looks for counts that nobody needs any more."""

WAITING: Final = 100
"""Logins of one address, or of one account there, that may wait for others to be settled."""

RETRY_SECONDS: Final = 5
"""What the next one is told."""

KNOWN: Final = 10_000
"""Accounts and addresses remembered as having been there, the latest; some 200 bytes each."""

Pair = tuple[str, str]
"""A folded account name and an address group."""


@dataclass(slots=True)
class _Count:
    """Times of failures, the oldest first, and how many attempts are under way."""

    failures: list[int] = field(default_factory=list)
    in_flight: int = 0

    def keep(self, since: int, now: int) -> None:
        """Drop what is older; and what is of the future, since the clock was set back."""
        self.failures = [time for time in self.failures if since < time <= now]

    @property
    def empty(self) -> bool:
        return not self.failures and not self.in_flight


class Attempt:
    """One login under way; it holds a place in the counts until it is settled."""

    def __init__(self, settle: Callable[["Attempt", bool | None], None], pair: Pair, line: str) -> None:
        self.pair = pair
        self.line = line
        """Whose turn it takes where attempts wait in line: the address's, or the account's own there."""
        self._settle = settle
        self._settled = False
        self._check: asyncio.Future[bool] | None = None

    def follow(self, check: asyncio.Future[bool]) -> None:
        """The check that decides, should the one who asked go away before it ends."""
        self._check = check

    def succeed(self) -> None:
        """It was the owner: the failures of this account from this address are forgiven."""
        self._end(True)

    def fail(self) -> None:
        """It was refused, and counts."""
        self._end(False)

    def close(self) -> None:
        """Whatever happened: a check that said no counts, one that never ran does not."""
        if self._settled or self._check is None:
            self._end(None)
        else:
            self._check.add_done_callback(self._end_by)

    def _end_by(self, check: asyncio.Future[bool]) -> None:
        answered = not check.cancelled() and check.exception() is None
        self._end(False if answered and not check.result() else None)

    def _end(self, right: bool | None) -> None:
        if not self._settled:
            self._settled = True
            self._settle(self, right)


class Limiter:
    """The counts of one process. `start` loads what the store remembers."""

    def __init__(
        self,
        store: AccountStore,
        clock: Callable[[], int],
        *,
        per_account: int = PER_ACCOUNT,
        per_address: int = PER_ADDRESS,
        window: int = WINDOW,
        delay: float = 1.0,
    ) -> None:
        """`clock` and `window` in milliseconds; `delay` is the most seconds that a write trails."""
        self._store = store
        self._clock = clock
        self._per_account = per_account
        self._per_address = per_address
        self._window = window
        self._pairs: dict[Pair, _Count] = {}
        self._addresses: dict[str, _Count] = {}
        self._known: dict[Pair, None] = {}
        """Who has logged in from where, the latest last. In memory alone: after a restart nobody has."""
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}
        self._unwritten: list[tuple[str, str, int]] = []
        self._forgiven: set[Pair] = set()
        self._tidied = 0
        self._writes = WriteBehind("failed logins", self._write, delay)

    async def start(self) -> None:
        """Load the failures of the last window and begin to write behind."""
        now = self._clock()
        for account, group, time in await self._store.failures(now - self._window):
            # A clock that was set back must not make a failure last longer than a window.
            self._count((account, group), min(time, now))
        await self._writes.start()

    async def stop(self) -> None:
        """Write what is left."""
        await self._writes.stop()

    async def flush(self) -> None:
        """Write what is pending now."""
        await self._writes.flush()

    async def admit(self, account: str, address: str) -> Attempt:
        """A place for one attempt on a folded name; settle or `close` it, whatever happens.

        Waits while the attempts under way could use up what is left, since they may all
        be right. Raises TooManyAttempts, also where too many wait.
        """
        pair = (account, group_of(address))
        while True:
            self._refuse_over_limit(pair)
            if self._has_room(pair):
                break
            await self._until_one_settles(pair)
        for count in self._counts(pair):
            count.in_flight += 1
        return Attempt(self._settle, pair, self._line(pair))

    def is_full(self, account: str, address: str) -> bool:
        """Whether just this account is closed to that address, not the address to all."""
        count = self._pairs.get((account, group_of(address)))
        return count is not None and len(count.failures) >= self._per_account

    def forgive(self, account: str) -> None:
        """Forget an account everywhere, its failures and successes: it has a new password, or is gone."""
        for pair in [pair for pair in self._known if pair[0] == account]:
            del self._known[pair]
        for pair in [pair for pair in self._pairs if pair[0] == account]:
            self._forgive(pair)

    def _refuse_over_limit(self, pair: Pair) -> None:
        now = self._clock()
        for count, limit in self._known_counts(pair):
            count.keep(now - self._window, now)
            if len(count.failures) >= limit:
                free_at = count.failures[-limit] + self._window
                raise TooManyAttempts(max(1, -(-(free_at - now) // 1000)))

    def _has_room(self, pair: Pair) -> bool:
        return all(count.in_flight + len(count.failures) < limit for count, limit in self._known_counts(pair))

    def _known_counts(self, pair: Pair) -> list[tuple[_Count, int]]:
        """Those that bind this pair. Makes none: names without end must not fill the memory.

        Who was there before has just the count of its own.
        """
        counts = [(self._pairs.get(pair), self._per_account)]
        if pair not in self._known:
            counts.append((self._addresses.get(pair[1]), self._per_address))
        return [(count, limit) for count, limit in counts if count is not None]

    def _line(self, pair: Pair) -> str:
        return " ".join(pair) if pair in self._known else pair[1]

    def _counts(self, pair: Pair) -> tuple[_Count, _Count]:
        return self._pairs.setdefault(pair, _Count()), self._addresses.setdefault(pair[1], _Count())

    async def _until_one_settles(self, pair: Pair) -> None:
        waiting = self._waiting.setdefault(self._line(pair), [])
        if len(waiting) >= WAITING:
            raise TooManyAttempts(RETRY_SECONDS)
        waiter = asyncio.get_running_loop().create_future()
        waiting.append(waiter)
        await waiter

    def _settle(self, attempt: Attempt, right: bool | None) -> None:
        pair = attempt.pair
        for count in self._counts(pair):
            count.in_flight -= 1
        if right:
            self._forgive(pair)
            self._remember(pair)
        elif right is False:
            self._fail(pair)
        self._drop_empty(pair)
        for line in (pair[1], " ".join(pair)):
            for waiter in self._waiting.pop(line, ()):
                if not waiter.done():
                    waiter.set_result(None)

    def _remember(self, pair: Pair) -> None:
        self._known.pop(pair, None)
        self._known[pair] = None
        if len(self._known) > KNOWN:
            del self._known[next(iter(self._known))]

    def _fail(self, pair: Pair) -> None:
        now = self._clock()
        self._count(pair, now)
        self._unwritten.append((*pair, now))
        self._writes.nudge()
        if abs(now - self._tidied) >= _TIDY_EVERY:
            self._tidied = now
            self._tidy(now)

    def _count(self, pair: Pair, time: int) -> None:
        for count in self._counts(pair):
            count.failures.append(time)

    def _forgive(self, pair: Pair) -> None:
        """The pair's count only: were the address forgiven too, an attacker's own login would reset it."""
        count = self._pairs.get(pair)
        if count is not None and count.failures:
            count.failures.clear()
            self._unwritten = [row for row in self._unwritten if row[:2] != pair]
            self._forgiven.add(pair)
            self._writes.nudge()

    def _tidy(self, now: int) -> None:
        for count in (*self._pairs.values(), *self._addresses.values()):
            count.keep(now - self._window, now)
        for pair in list(self._pairs):
            self._drop_empty(pair)

    def _drop_empty(self, pair: Pair) -> None:
        if pair in self._pairs and self._pairs[pair].empty:
            del self._pairs[pair]
        if pair[1] in self._addresses and self._addresses[pair[1]].empty:
            del self._addresses[pair[1]]

    async def _write(self) -> None:
        """Forgiveness first: failures that came after it stay."""
        forgiven, self._forgiven = self._forgiven, set()
        unwritten, self._unwritten = self._unwritten, []
        try:
            if forgiven:
                await self._store.clear_failures(forgiven)
            if unwritten:
                await self._store.note_failures(unwritten)
        except FileshareError:
            kept = [row for row in unwritten if row[:2] not in self._forgiven]
            self._unwritten = kept + self._unwritten
            self._forgiven |= forgiven
            raise
