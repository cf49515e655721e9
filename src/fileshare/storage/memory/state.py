"""What the catalog in memory holds, and what its parts share."""

from collections.abc import Callable
from dataclasses import dataclass

from fileshare.domain.model import Entry, File, Folder, Receipt, Upload, UploadState, Version
from fileshare.services.ports import Content
from fileshare.storage.memory.tree import FileNode, FolderNode, Node, Stored, Tree, files_of
from fileshare.storage.mishaps import Mishaps


@dataclass(slots=True, eq=False)
class InTrash:
    """An entry in the trash, with the path it had."""

    id: int
    path: str
    node: Node
    deleted: int
    account_id: int


def numbered_account(account_id: int) -> str:
    """A name for an account where nobody tells the real one."""
    return f"account {account_id}" if account_id else "anonymous"


class State(Mishaps):
    """The tables of the catalog in memory. `owner_name` tells an account's name by its id."""

    def __init__(self, owner_name: Callable[[int], str] = numbered_account) -> None:
        super().__init__()
        self._owner_name = owner_name
        self._tree = Tree()
        self._uploads: dict[str, Upload] = {}
        self._receipts: dict[str, Receipt] = {}
        self._contents: dict[str, Content] = {}
        self._garbage: dict[str, int] = {}
        self._trash: dict[int, InTrash] = {}
        self._last_trash_id = 0

    def _entry(self, node: Node) -> Entry:
        return self._file(node) if isinstance(node, FileNode) else self._folder(node)

    def _file(self, node: FileNode) -> File:
        return File(id=node.id, path=node.path, version=self._version(node.current))

    def _folder(self, node: FolderNode) -> Folder:
        return Folder(id=node.id, path=node.path, created=node.created, modified=node.modified)

    def _version(self, stored: Stored) -> Version:
        return Version(
            number=stored.number,
            digest=stored.digest,
            size=stored.size,
            modified=stored.modified,
            created=stored.created,
            owner=self._owner_name(stored.owner_id),
        )

    def _all_files(self) -> list[tuple[FileNode, str, str]]:
        """Every file with its path and, in the trash, a note that says so."""
        found = [(file, file.path, "") for file in files_of(self._tree.root)]
        for kept in self._trash.values():
            top = len(kept.node.name)
            found += [(file, kept.path + file.path[top:], " (in the trash)") for file in files_of(kept.node)]
        return found

    def _referred(self) -> set[str]:
        """The digests that any version has, in the trash too."""
        return {stored.digest for file, _, _ in self._all_files() for stored in file.versions}

    def _verifying(self) -> set[str | None]:
        """The digests that are being published: they count as referred to."""
        return {u.found_digest for u in self._uploads.values() if u.state is UploadState.VERIFYING}

    def _give_up(self, digests: set[str], now: int) -> int:
        """What nobody refers to any more goes, or becomes garbage when it is a blob; returns its bytes."""
        freed = 0
        for digest in digests - self._referred():
            freed += self._contents[digest].size
            if self._contents[digest].data is None:
                self._garbage.setdefault(digest, now)
            else:
                del self._contents[digest]
        return freed
