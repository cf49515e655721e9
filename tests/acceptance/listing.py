"""A million files: pages, orders and searches at the server, and lists through the door.

Times are of the catalog's answer, the median of a few; what a door needs comes on top.
"""

import asyncio
import multiprocessing
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

from msgspec import structs

from fileshare.services.ports import Listing as Wanted
from fileshare.services.ports import Page
from fileshare.storage.cursors import Place
from fileshare.storage.sqlite import tree
from fileshare.storage.sqlite.catalog import SqliteCatalog
from fileshare.storage.sqlite.database import Database
from tests.acceptance.many_files import BIG, EVERY, LAST, RARE, write_many
from tests.acceptance.report import Row
from tests.acceptance.stage import Check
from tests.e2e.servers import Server
from tests.e2e.talk import Version1, Version2

REQUIRED = 1_000_000
VERSION1_FILES = 100_000
PAGE = 100
RUNS = 5
DEEP = 200
"""Pages that are turned one after the other."""
PAGE_MS, SEARCH_MS, USAGE_MS, OTHERS_MS = 10, 50, 50, 100
SORTS = ("name", "size", "modified")
MIDDLES = {"name": 0, "size": 1 << 29, "modified": 1_650_000_000_000}
"""What half of the files lie behind."""
WORDS = (
    ("common", "report"), ("rare", RARE), ("no hit", "qzzwx"), ("late in the order", LAST),
    ("nearly all", "."), ("one character", EVERY), ("two characters", "_0"), ("two, few hits", "77"),
    ("two, no hit", "rü"), ("beyond ASCII", "ü"), ("folded to two", "ß"), ("a number's piece", "123"),
    ("across words", "report_photo"), ("a whole name", f"scan {RARE}"),
)  # fmt: skip


class Times:
    """Of several answers, by the clock and in the processor.

    Nothing here waits for a disk or for anybody else, so on a quiet machine the two are the
    same; on a busy one only the latter says what an answer costs, and that is judged.
    """

    def __init__(self) -> None:
        self._clock: list[float] = []
        self._processor: list[float] = []

    @contextmanager
    def one(self) -> Iterator[None]:
        """Time what happens within."""
        clock, processor = time.perf_counter(), time.process_time()
        yield
        self._clock.append((time.perf_counter() - clock) * 1000)
        self._processor.append((time.process_time() - processor) * 1000)

    @property
    def middle(self) -> float:
        """The median in the processor, milliseconds."""
        return statistics.median(self._processor)

    def row(self, what: str, ms: int, more: str = "") -> Row:
        """The medians, and the verdict."""
        middle, clock = self.middle, statistics.median(self._clock)
        measured = f"{middle:.1f} ms (by the clock {clock:.1f}, at most {max(self._clock):.1f}){more}"
        return Row(what, f"within {ms} ms", measured, middle <= ms)


@dataclass
class Timed:
    """Asks and keeps the time."""

    catalog: SqliteCatalog
    of: str

    async def row(self, what: str, ms: int, wanted: Wanted) -> Row:
        """One question, asked again and again."""
        return await self.call(what, ms, lambda: self.catalog.listing(wanted))

    async def call(self, what: str, ms: int, ask: Callable[[], Awaitable[object]]) -> Row:
        """Anything that answers."""
        times = Times()
        for _ in range(RUNS):
            with times.one():
                answer = await ask()
        found = f", {len(answer.entries)} found" if isinstance(answer, Page) else ""
        return times.row(f"{self.of}: {what}", ms, found)


class Listing(Check):
    """Issue 4's list and search at size; issue 3's folder of 100,000. The count is of files."""

    name = "listing"

    def run(self) -> list[Row]:
        """At the catalog, then through the door."""
        count = self.stage.count(REQUIRED)
        server = self._folder("server", count)
        self.stage.say("asking the catalog")
        rows = asyncio.run(self._at_the_catalog(server, count))
        self.stage.say("asking through the door")
        rows.append(self._pages_through_the_door(server, count))
        few = min(count, VERSION1_FILES)
        rows.append(self._version1(self._folder("version1", few), few))
        return rows

    def _folder(self, name: str, count: int) -> Server:
        self.stage.say(f"writing {count} files")
        server = Server(self.stage.folder / name / "data")
        server.data_dir.mkdir(parents=True)
        write_many(server.data_dir / "fileshare.db", count, self.stage.seed)
        return server

    async def _at_the_catalog(self, server: Server, count: int) -> list[Row]:
        path = server.data_dir / "fileshare.db"
        database = Database(path)
        await database.open()
        catalog = SqliteCatalog(database)
        try:
            before, started = path.stat().st_size, time.perf_counter()
            await catalog.pack()
            seconds = time.perf_counter() - started
            await database.close()
            grown = path.stat().st_size - before
            await database.open()
            timed = Timed(catalog, f"{count} files")
            return [
                Row(f"{count} files: packed for searches", "-", f"{seconds:.1f} s, {grown >> 20} MiB", True),
                *await self._pages(timed, "", PAGE_MS),
                *await self._pages(timed, BIG, PAGE_MS),
                await self._deep(timed, "next pages of the big folder", PAGE_MS, Wanted(BIG, PAGE)),
                await self._deep(
                    timed, "next pages of a search", SEARCH_MS, Wanted("", PAGE, query="report")
                ),
                *await self._searches(timed),
                await timed.call("sums of what is used", USAGE_MS, catalog.usage),
                await timed.call("sums by account", USAGE_MS, catalog.usage_by_owner),
            ]
        finally:
            await database.close()

    async def _pages(self, timed: Timed, path: str, ms: int) -> list[Row]:
        where = path or "top folder"
        return [
            await timed.row(
                f"{where} by {sort}, {'last' if last else 'first'} page",
                ms,
                Wanted(path, PAGE, sort=sort, descending=last),
            )
            for sort in SORTS
            for last in (False, True)
        ]

    async def _deep(self, timed: Timed, what: str, ms: int, wanted: Wanted) -> Row:
        times = Times()
        for _ in range(DEEP):
            with times.one():
                page = await timed.catalog.listing(wanted)
            if page.next is None:
                break
            wanted = structs.replace(wanted, cursor=page.next)
        return times.row(f"{timed.of}: {what}", ms)

    async def _searches(self, timed: Timed) -> list[Row]:
        """Each word in every order, forwards and backwards: the first page, the next, one in the middle."""
        return [
            await self._search(timed, f"{what}{where}, by {sort}", Wanted(path, PAGE, sort=sort, query=query))
            for path, where in (("", ""), (BIG, " in the big folder"))
            for what, query in WORDS
            for sort in SORTS
        ]

    async def _search(self, timed: Timed, what: str, wanted: Wanted) -> Row:
        """The slowest of its pages, each asked a few times."""
        rows: list[tuple[float, Row]] = []
        for page, asked in [each async for each in self._pages_of(timed.catalog, wanted)]:
            times = Times()
            for _ in range(RUNS):
                with times.one():
                    await timed.catalog.listing(asked)
            rows.append((times.middle, times.row(f"{timed.of}: search, {what}", SEARCH_MS, f", {page} page")))
        return max(rows, key=lambda row: row[0])[1]

    async def _pages_of(self, catalog: SqliteCatalog, wanted: Wanted) -> AsyncIterator[tuple[str, Wanted]]:
        for word, backwards in (("", False), (" backwards", True)):
            first = structs.replace(wanted, descending=backwards)
            yield f"first{word}", first
            cursor = (await catalog.listing(first)).next
            if cursor is not None:
                yield f"next{word}", structs.replace(first, cursor=cursor)
                middle = Place(tree.FILE, MIDDLES[wanted.sort], "m", 0)
                yield f"middle{word}", structs.replace(first, cursor=middle.encode())

    def _pages_through_the_door(self, server: Server, count: int) -> Row:
        self._start(server)
        with Version2(server.address, 60).log_in() as asking, waiting(server.address) as waits:
            more: dict[str, object] = {}
            for _ in range(DEEP):
                _, page = asking.ask("LIST", path="", recursive=True, limit=1000, **more)
                if page.get("next") is None:
                    break
                more = {"cursor": page["next"]}
        return _others(f"{count} files: others wait while all are listed in pages", waits)

    def _version1(self, server: Server, count: int) -> Row:
        self._start(server)
        with Version1(server.address, 60).log_in() as asking:
            with waiting(server.address) as waits:
                started = time.monotonic()
                found = len(asking.names())
                seconds = time.monotonic() - started
        row = _others(f"{count} files: others wait while version 1 lists all at once", waits)
        measured = f"{row.measured}; {found} in {seconds:.1f} s"
        return replace(row, measured=measured, passed=row.passed and found == count)

    def _start(self, server: Server) -> None:
        server.start()
        self.stage.on_end(server.kill_if_alive)


@dataclass
class Waits:
    """The longest that somebody else waited, and that the machine let a process wait that asked nothing."""

    server: float = 0
    machine: float = 0


@contextmanager
def waiting(address: tuple[str, int]) -> Iterator[Waits]:
    """Meanwhile a process of its own asks for one page after the other."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_ask_and_wait, args=(address, theirs))
    process.start()
    ours.recv()
    waits = Waits()
    try:
        yield waits
    finally:
        ours.send(None)
        waits.server, waits.machine = ours.recv()
        process.join()


def _ask_and_wait(address: tuple[str, int], pipe: "Connection[Any, Any]") -> None:
    server = machine = 0.0
    with Version2(address, 60).log_in() as talk:
        pipe.send(None)
        while not pipe.poll():
            started = time.perf_counter()
            talk.ask("LIST", path=BIG, limit=PAGE)
            answered = time.perf_counter()
            time.sleep(0.002)
            server = max(server, answered - started)
            machine = max(machine, time.perf_counter() - answered)
    pipe.send((server * 1000, machine * 1000))


def _others(what: str, waits: Waits) -> Row:
    """A machine on which nobody gets a core for longer than that says nothing about the server."""
    measured = f"{waits.server:.1f} ms, and {waits.machine:.1f} without asking"
    most = max(OTHERS_MS, 2 * waits.machine)
    return Row(what, f"at most {OTHERS_MS} ms", measured, waits.server <= most)
