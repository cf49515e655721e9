"""Files, folders and versions in memory."""

from collections.abc import Sequence
from itertools import islice

from fileshare.domain import names, versions
from fileshare.domain.model import Entry, File, Folder, Version
from fileshare.errors import BadRequest, Conflict, NotFound
from fileshare.services.ports import Listing, Page
from fileshare.storage import cursors
from fileshare.storage.cursors import Place
from fileshare.storage.memory.state import State
from fileshare.storage.memory.tree import FileNode, FolderNode, Node, Stored, check_paths, files_of
from fileshare.storage.mishaps import reads, writes


class Entries(State):
    """The part of the catalog that users look at."""

    @reads
    async def entry(self, path: str) -> Entry:
        """See the port."""
        return self._entry(self._tree.find(path))

    @reads
    async def listing(self, what: Listing) -> Page:
        """See the port."""
        folder = self._tree.find_folder(what.path)
        nodes = list(folder.below() if what.query else folder.children.values())
        if what.query:
            nodes = [node for node in nodes if what.query.casefold() in node.name.casefold()]
        placed = [(_place(node, what.sort), node) for node in nodes]
        ordered: list[tuple[Place, Node]] = []
        for kind in (0, 1):
            of_kind = [pair for pair in placed if pair[0].kind == kind]
            ordered += sorted(of_kind, key=lambda pair: pair[0], reverse=what.descending)
        return self._page(ordered, what)

    def _page(self, ordered: list[tuple[Place, Node]], what: Listing) -> Page:
        """The part of the list behind the place that the cursor names."""
        if what.cursor is not None:
            last = Place.decode(what.cursor)
            ordered = [pair for pair in ordered if _is_behind(pair[0], last, what.descending)]
        shown = ordered[: what.limit]
        cursor = shown[-1][0].encode() if len(ordered) > what.limit else None
        return Page([self._entry(node) for _, node in shown], cursor)

    @reads
    async def walk(self, path: str, limit: int, cursor: str | None = None) -> Page:
        """See the port."""
        folder = self._tree.find_folder(path)
        nodes = list(folder.below())
        if cursor is not None:
            after = cursors.decode_names(cursor)
            nodes = [node for node in nodes if _names_below(node, folder) > after]
        more = len(nodes) > limit
        shown = nodes[:limit]
        next_cursor = cursors.encode([*_names_below(shown[-1], folder)]) if more else None
        return Page([self._entry(node) for node in shown], next_cursor)

    @reads
    async def count_files(self, path: str = "") -> int:
        """See the port."""
        return sum(1 for _ in files_of(self._tree.find_folder(path)))

    @writes
    async def make_folder(self, path: str, now: int) -> Folder:
        """See the port."""
        return self._folder(self._tree.make_folder(path, now))

    @writes
    async def move(self, path: str, to: str, now: int) -> Entry:
        """See the port."""
        node = self._tree.find(path)
        if node is self._tree.root:
            raise BadRequest("The top folder can't be moved.")
        if f"{to}/".startswith(f"{path}/"):
            raise Conflict("A folder can't be moved into itself." if to != path else "It is there already.")
        folder, name = names.parent_of(to), names.name_of(to)
        self._check_free(to)
        check_paths(node, path, to)
        target = self._tree.make_folder(folder, now)
        self._tree.detach(node, now)
        self._tree.attach(node, target, name, now)
        return self._entry(node)

    def _check_free(self, path: str) -> None:
        self._tree.check_folder(names.parent_of(path))
        try:
            self._tree.find(path)
        except NotFound:
            return
        raise Conflict(f"There is something at {names.shown(path)} already.")

    @reads
    async def versions(self, path: str) -> Sequence[Version]:
        """See the port."""
        return [self._version(stored) for stored in reversed(self._tree.find_file(path).versions)]

    @writes
    async def restore_version(self, path: str, number: int, owner_id: int, now: int) -> File:
        """See the port."""
        file = self._tree.find_file(path)
        old = next((stored for stored in file.versions if stored.number == number), None)
        if old is None:
            raise NotFound(f"The file has no version {number}.")
        next_number = versions.next_number(stored.number for stored in file.versions)
        file.versions.append(Stored(next_number, old.digest, old.size, old.modified, now, owner_id))
        return self._file(file)

    @writes
    async def prune_versions(self, path: str, keep: int) -> int:
        """See the port."""
        file = self._tree.find_file(path)
        gone = set(versions.may_go((stored.number for stored in file.versions), keep))
        digests = {stored.digest for stored in file.versions if stored.number in gone}
        file.versions = [stored for stored in file.versions if stored.number not in gone]
        self._give_up(digests, now=0)
        return len(gone)

    @reads
    async def paths_over(self, versions: int, limit: int) -> Sequence[str]:
        """See the port."""
        over = (file.path for file in files_of(self._tree.root) if len(file.versions) > versions)
        return list(islice(over, limit))


def _place(node: Node, sort: str) -> Place:
    """Where an entry stands in a listing that is sorted like that."""
    if isinstance(node, FileNode):
        values = {"name": 0, "size": node.current.size, "modified": node.current.modified}
    else:
        values = {"name": 0, "size": 0, "modified": node.modified}
    if sort not in values:
        raise BadRequest("Sort by name, size or modified.")
    return Place(kind=int(isinstance(node, FileNode)), value=values[sort], name=node.name, id=node.id)


def _is_behind(place: Place, last: Place, descending: bool) -> bool:
    if place.kind != last.kind:
        return place.kind > last.kind
    return place < last if descending else place > last


def _names_below(node: Node, folder: FolderNode) -> list[str]:
    path = node.path
    return (path[len(folder.path) + 1 :] if folder.path else path).split("/")
