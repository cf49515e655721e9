"""The trash, contents and garbage in memory."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from fileshare.domain import names
from fileshare.domain.model import Entry, Trashed, Version
from fileshare.errors import BadRequest, Conflict, Damaged, FileshareError, NotFound, TooLarge
from fileshare.services.ports import Content, SmallContent, Usage
from fileshare.storage.free_names import free_path
from fileshare.storage.memory.state import InTrash, State
from fileshare.storage.memory.tree import FileNode, check_paths, files_of
from fileshare.storage.mishaps import reads, writes


class Contents(State):
    """The part of the catalog behind what users see."""

    @writes
    async def trash(self, path: str, account_id: int, now: int) -> Trashed:
        """See the port."""
        node = self._tree.find(path)
        if node is self._tree.root:
            raise BadRequest("The top folder can't be deleted.")
        self._tree.detach(node, now)
        self._last_trash_id += 1
        kept = InTrash(self._last_trash_id, path, node, now, account_id)
        self._trash[kept.id] = kept
        return self._trashed(kept)

    def _trashed(self, kept: InTrash) -> Trashed:
        return Trashed(
            id=kept.id,
            path=kept.path,
            kind="file" if isinstance(kept.node, FileNode) else "folder",
            size=sum(stored.size for file in files_of(kept.node) for stored in file.versions),
            deleted=kept.deleted,
            deleted_by=self._owner_name(kept.account_id),
        )

    @reads
    async def trashed(self) -> Sequence[Trashed]:
        """See the port."""
        ordered = sorted(self._trash.values(), key=lambda kept: (kept.deleted, kept.id), reverse=True)
        return [self._trashed(kept) for kept in ordered]

    @writes
    async def untrash(self, trash_id: int, now: int) -> Entry:
        """See the port."""
        if trash_id not in self._trash:
            raise NotFound("That is no longer in the trash.")
        kept = self._trash[trash_id]
        folder, name = names.parent_of(kept.path), names.name_of(kept.path)
        self._tree.check_folder(folder)
        name = self._free_name(folder, name)
        check_paths(kept.node, kept.node.name, names.join(folder, name))
        self._tree.attach(kept.node, self._tree.make_folder(folder, now), name, now)
        del self._trash[trash_id]
        return self._entry(kept.node)

    def _free_name(self, folder: str, name: str) -> str:
        try:
            children = self._tree.find_folder(folder).children
        except NotFound:
            return name
        return free_path(folder, name, children.__contains__) if name in children else name

    @writes
    async def purge(self, trash_ids: Iterable[int], now: int) -> int:
        """See the port."""
        gone = [self._trash.pop(trash_id) for trash_id in set(trash_ids) if trash_id in self._trash]
        files = [file for kept in gone for file in files_of(kept.node)]
        return self._give_up({stored.digest for file in files for stored in file.versions}, now)

    # Contents

    @reads
    async def content(self, digest: str) -> Content:
        """See the port."""
        if digest not in self._referred():
            raise NotFound("There is no such content.")
        return self._contents[digest]

    @reads
    async def stored(self, path: str, number: int | None) -> tuple[Version, Content]:
        """See the port."""
        versions = self._tree.find_file(path).versions
        wanted = versions[-1].number if number is None else number
        for stored in versions:
            if stored.number == wanted:
                return self._version(stored), self._contents[stored.digest]
        raise NotFound(f"{names.shown(path)} has no version {number}.")

    @reads
    async def readable_content(self, digest: str) -> Content:
        """See the port."""
        live = (stored for file in files_of(self._tree.root) for stored in file.versions)
        if not any(stored.digest == digest for stored in live):
            raise NotFound("There is no such content.")
        return self._contents[digest]

    @reads
    async def small_contents(
        self, paths: Sequence[str], most: int
    ) -> Sequence[SmallContent | FileshareError]:
        """See the port."""
        found: list[SmallContent | FileshareError] = []
        size = 0
        for path in paths:
            outcome = self._small_content(path)
            size += 0 if isinstance(outcome, FileshareError) else len(outcome.data)
            if size > most and found:
                break
            found.append(outcome)
        return found

    def _small_content(self, path: str) -> SmallContent | FileshareError:
        try:
            version = self._tree.find_file(path).current
        except (NotFound, Conflict) as error:
            return error
        data = self._contents[version.digest].data
        if data is None:
            return TooLarge(f"{names.shown(names.name_of(path))} is no small file: use DOWNLOAD for it.")
        if len(data) != version.size:
            return Damaged()
        return SmallContent(version.number, version.digest, version.modified, data)

    @reads
    async def contents(self, after: str, limit: int) -> Sequence[Content]:
        """See the port."""
        return [content for digest, content in sorted(self._contents.items()) if digest > after][:limit]

    @reads
    async def count_contents(self) -> int:
        """See the port."""
        return len(self._contents)

    @reads
    async def inconsistencies(self) -> Sequence[str]:
        """See the port."""
        missing = sorted(self._referred() - self._contents.keys())
        return [f"A version refers to the content {digest}, which is not there." for digest in missing]

    @reads
    async def paths_of(self, digest: str) -> Sequence[str]:
        """See the port."""
        found: list[str] = []
        for file, path, note in self._all_files():
            for stored in file.versions:
                number = "" if stored is file.current else f"?version={stored.number}"
                if stored.digest == digest:
                    found.append(f"{path}{number}{note}")
        return sorted(found)

    @reads
    async def garbage(self, limit: int) -> Sequence[str]:
        """See the port."""
        return sorted(self._garbage, key=lambda digest: (self._garbage[digest], digest))[:limit]

    @writes
    async def note_garbage(self, digests: Iterable[str], now: int) -> None:
        """See the port."""
        for digest in digests:
            self._garbage.setdefault(digest, now)

    @reads
    async def unknown_blobs(self, digests: Sequence[str]) -> Sequence[str]:
        """See the port."""
        known = {digest for digest, content in self._contents.items() if content.data is None}
        return [digest for digest in digests if digest not in known | self._verifying()]

    @writes
    async def release_contents(self, digests: Sequence[str]) -> Sequence[str]:
        """See the port."""
        referred, verifying = self._referred(), self._verifying()
        released: list[str] = []
        for digest in digests:
            inline = digest in self._contents and self._contents[digest].data is not None
            if digest in referred and not inline:
                self._garbage.pop(digest, None)
            elif digest not in verifying:
                released.append(digest)
                if digest not in referred:
                    self._contents.pop(digest, None)
        return released

    @writes
    async def forget_garbage(self, digests: Iterable[str]) -> None:
        """See the port."""
        for digest in digests:
            self._garbage.pop(digest, None)

    @writes
    async def shrink(self) -> bool:
        """See the port. Nothing is kept of what was deleted."""
        return False

    @reads
    async def usage(self) -> Usage:
        """See the port."""
        live = list(files_of(self._tree.root))
        current = sum(file.current.size for file in live)
        return Usage(
            files=len(live),
            current=current,
            versions=sum(stored.size for file in live for stored in file.versions) - current,
            trash=sum(self._trashed(kept).size for kept in self._trash.values()),
        )

    @reads
    async def usage_by_owner(self) -> Mapping[int, int]:
        """See the port."""
        used = Counter[int]()
        for top in (self._tree.root, *(kept.node for kept in self._trash.values())):
            for file in files_of(top):
                for stored in file.versions:
                    used[stored.owner_id] += stored.size
        return +used  # without those of no bytes
