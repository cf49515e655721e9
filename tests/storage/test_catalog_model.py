"""The database's catalog against the one in memory: whatever is done, they tell the same."""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from fileshare.domain.model import File, Folder, OnConflict, UploadState
from fileshare.errors import FileshareError
from fileshare.services.ports import Catalog, Finish, Listing, Page
from fileshare.storage.memory import MemoryCatalog
from fileshare.storage.sqlite.catalog import SqliteCatalog
from fileshare.storage.sqlite.database import Database
from tests.storage.builders import ANNA, BEN, NAMES, NOW, an_upload, digest_of
from tests.storage.conftest import RAM, TINY, PackedCatalog, add_accounts

names = st.sampled_from(["a", "b", "A.tar.gz"])
paths = st.lists(names, min_size=1, max_size=3).map("/".join)
owners = st.sampled_from([ANNA, BEN])
contents = st.sampled_from([b"", b"x", b"yy", b"zzz"])
digests = contents.map(digest_of)
upload_ids = st.sampled_from([f"{n:032x}" for n in range(6)])
client_ids = st.none() | st.sampled_from(["c" * 16, "d" * 16])
conflicts = st.sampled_from(OnConflict)


@st.composite
def items(draw: st.DrawFn) -> Finish:
    data = draw(contents)
    return Finish(
        owner_id=draw(owners),
        upload_id=draw(upload_ids),
        client_id=draw(client_ids),
        path=draw(paths),
        digest=digest_of(data),
        size=len(data),
        modified=draw(st.integers(0, 5)),
        on_conflict=draw(conflicts),
        epoch=draw(st.none() | st.integers(1, 2)),
        data=draw(st.sampled_from([data, None])),
    )


class Catalogs(RuleBasedStateMachine):
    """Does each thing to both and compares what they answer, then all that they hold."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=RAM if RAM.is_dir() else None))
        self.runner = asyncio.Runner()
        self.database = Database(self.folder / "fileshare.db")
        self.runner.run(self.database.open())
        self.runner.run(self.database.run(add_accounts))
        self.model = MemoryCatalog(NAMES.__getitem__)
        self.real = self.a_catalog()
        self.now = NOW

    def a_catalog(self) -> SqliteCatalog:
        return SqliteCatalog(self.database)

    def teardown(self) -> None:
        self.runner.run(self.database.close())
        self.runner.close()
        shutil.rmtree(self.folder)

    def same(self, method: str, *args: object) -> Any:
        return self.runner.run(self._same(method, *args))

    async def _same(self, method: str, *args: object) -> Any:
        expected = await outcome(getattr(self.model, method)(*args))
        found = await outcome(getattr(self.real, method)(*args))
        assert without_ids(found) == without_ids(expected), (method, args)
        return found

    def tick(self) -> int:
        self.now += 1
        return self.now

    @rule(upload_id=upload_ids, owner_id=owners, client_id=client_ids, path=paths, epoch=st.integers(1, 2))
    def add_upload(self, **fields: Any) -> None:
        fields["id"] = fields.pop("upload_id")
        self.same("add_upload", an_upload(created=self.tick(), digest=digest_of(b"x"), **fields))

    @rule(
        upload_id=upload_ids,
        offset=st.integers(0, 9),
        epoch=st.integers(1, 2),
        expected=st.integers(1, 2),
        found=st.none() | digests,
    )
    def update_upload(
        self, upload_id: str, offset: int, epoch: int, expected: int, found: str | None
    ) -> None:
        state = UploadState.RECEIVING if found is None else UploadState.VERIFYING
        upload = an_upload(id=upload_id, offset=offset, epoch=epoch, found_digest=found, state=state)
        self.same("update_upload", upload, expected)

    @rule(upload_id=upload_ids)
    def drop_upload(self, upload_id: str) -> None:
        self.same("drop_upload", upload_id)

    @rule(batch=st.lists(items(), max_size=4))
    def finish(self, batch: list[Finish]) -> None:
        self.same("finish", batch, self.tick())

    @rule(age=st.integers(0, 5))
    def expire_receipts(self, age: int) -> None:
        self.same("expire_receipts", self.now - age)

    @rule(path=paths)
    def make_folder(self, path: str) -> None:
        self.same("make_folder", path, self.tick())

    @rule(path=paths, to=paths)
    def move(self, path: str, to: str) -> None:
        self.same("move", path, to, self.tick())

    @rule(path=paths, number=st.integers(1, 4), owner_id=owners)
    def restore_version(self, path: str, number: int, owner_id: int) -> None:
        self.same("restore_version", path, number, owner_id, self.tick())

    @rule(path=paths, keep=st.integers(0, 2))
    def prune_versions(self, path: str, keep: int) -> None:
        self.same("prune_versions", path, keep)

    @rule(path=paths | st.just(""), account_id=owners)
    def trash(self, path: str, account_id: int) -> None:
        self.same("trash", path, account_id, self.tick())

    @rule(trash_id=st.integers(1, 6))
    def untrash(self, trash_id: int) -> None:
        self.same("untrash", trash_id, self.tick())

    @rule(trash_ids=st.lists(st.integers(1, 6), max_size=3))
    def purge(self, trash_ids: list[int]) -> None:
        self.same("purge", trash_ids, self.tick())

    @rule(wanted=st.lists(digests, max_size=2))
    def note_garbage(self, wanted: list[str]) -> None:
        self.same("note_garbage", wanted, self.tick())

    @rule(wanted=st.lists(digests, max_size=3, unique=True))
    def collect(self, wanted: list[str]) -> None:
        self.same("forget_garbage", self.same("release_contents", wanted))

    @rule(digest=digests, path=paths, owner_id=owners, upload_id=upload_ids)
    def look_up(self, digest: str, path: str, owner_id: int, upload_id: str) -> None:
        for method in ("content", "readable_content", "paths_of"):
            self.same(method, digest)
        for method in ("entry", "versions", "count_files"):
            self.same(method, path)
        for method in ("upload", "receipt_of"):
            self.same(method, upload_id)
        for method in ("receipt", "upload_by_client_id"):
            self.same(method, owner_id, "c" * 16)
        for method in ("receipt_for", "furthest_upload"):
            self.same(method, owner_id, path, digest)
        self.same("unknown_blobs", [digest_of(data) for data in (b"", b"x", b"yy", b"zzz")])

    @rule(
        path=paths | st.just(""),
        limit=st.integers(1, 3),
        sort=st.sampled_from(["name", "size", "modified"]),
        descending=st.booleans(),
        query=st.sampled_from(["", "a", "V2"]),
    )
    def list_in_pages(self, path: str, limit: int, sort: str, descending: bool, query: str) -> None:
        for catalog in (self.model, self.real):
            page = self.runner.run(
                outcome(pages(catalog, Listing(path, 1000, None, sort, descending, query)))
            )
            small = self.runner.run(
                outcome(pages(catalog, Listing(path, limit, None, sort, descending, query)))
            )
            assert without_ids(small) == without_ids(page)
        self.same("listing", Listing(path, 1000, None, sort, descending, query))
        self.same("walk", path, 1000)

    @invariant()
    def hold_the_same(self) -> None:
        self.runner.run(self._hold_the_same())

    async def _hold_the_same(self) -> None:
        await self._same("walk", "", 1000)
        await self._same("contents", "", 100)
        await self._same("garbage", 100)
        for method in ("uploads", "trashed", "count_contents", "usage", "usage_by_owner"):
            await self._same(method)
        assert await self._same("inconsistencies") == []


class PackedCatalogs(Catalogs):
    """The same, with searches as they are among a million files."""

    def a_catalog(self) -> SqliteCatalog:
        self.limits = [(module, limit, getattr(module, limit)) for module, limit, _ in TINY]
        for module, limit, value in TINY:
            setattr(module, limit, value)
        return PackedCatalog(self.database)

    def teardown(self) -> None:
        for module, limit, value in self.limits:
            setattr(module, limit, value)
        super().teardown()


async def pages(catalog: Catalog, what: Listing) -> list[File | Folder]:
    found: list[File | Folder] = []
    page = await catalog.listing(what)
    found += page.entries
    while page.next is not None:
        page = await catalog.listing(replace(what, cursor=page.next))
        found += page.entries
    return found


async def outcome(call: Coroutine[Any, Any, Any]) -> Any:
    """What a call returns, or the class of its error."""
    try:
        return await call
    except FileshareError as error:
        return type(error)


def without_ids(value: Any) -> Any:
    """Ids of entries may differ: they need only never come again."""
    if isinstance(value, File | Folder):
        return replace(value, id=0)
    if isinstance(value, Page):
        return without_ids(value.entries)
    if isinstance(value, FileshareError):
        return type(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [without_ids(each) for each in value]
    return value


TestCatalogs = Catalogs.TestCase
TestPackedCatalogs = PackedCatalogs.TestCase
TestCatalogs.settings = TestPackedCatalogs.settings = settings(
    max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
