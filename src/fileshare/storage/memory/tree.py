"""Files and folders as a tree of objects: what the catalog in memory is made of.

Simple on purpose: the catalog of the database is compared with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from fileshare.domain import names
from fileshare.errors import Conflict, NotFound
from fileshare.storage.free_names import check_length


@dataclass(slots=True, eq=False)
class Stored:
    """A version of a file, with its owner's id."""

    number: int
    digest: str
    size: int
    modified: int
    created: int
    owner_id: int


@dataclass(slots=True, eq=False)
class _Node:
    """A file or a folder. Without a parent it is the root or lies in the trash."""

    id: int
    name: str
    parent: FolderNode | None
    created: int

    @property
    def path(self) -> str:
        """The path from the root, or from the top of what was trashed."""
        return names.join(self.parent.path, self.name) if self.parent is not None else self.name


@dataclass(slots=True, eq=False)
class FileNode(_Node):
    """A file with its versions, the newest last."""

    versions: list[Stored] = field(default_factory=list)

    @property
    def current(self) -> Stored:
        """The newest version."""
        return self.versions[-1]


@dataclass(slots=True, eq=False)
class FolderNode(_Node):
    """A folder. `modified` is when something in it last came, went or was renamed."""

    modified: int = 0
    children: dict[str, Node] = field(default_factory=dict)

    def below(self) -> Iterator[Node]:
        """Everything below, depth first by name, a folder before what it holds."""
        for _, child in sorted(self.children.items()):
            yield child
            if isinstance(child, FolderNode):
                yield from child.below()


Node = FileNode | FolderNode


class Tree:
    """The root and what can be found from it."""

    def __init__(self) -> None:
        self.root = FolderNode(id=1, name="", parent=None, created=0)
        self._last_id = 1

    def next_id(self) -> int:
        """An id that no entry ever had."""
        self._last_id += 1
        return self._last_id

    def find(self, path: str) -> Node:
        """The entry at `path`. Raises NotFound."""
        node: Node = self.root
        for name in path.split("/") if path else ():
            if not isinstance(node, FolderNode) or name not in node.children:
                raise NotFound()
            node = node.children[name]
        return node

    def find_file(self, path: str) -> FileNode:
        """The file at `path`. Raises NotFound; Conflict for a folder."""
        node = self.find(path)
        if not isinstance(node, FileNode):
            raise Conflict("That is a folder, not a file.")
        return node

    def find_folder(self, path: str) -> FolderNode:
        """The folder at `path`. Raises NotFound; Conflict for a file."""
        node = self.find(path)
        if not isinstance(node, FolderNode):
            raise Conflict("That is a file, not a folder.")
        return node

    def check_folder(self, path: str) -> None:
        """Raise Conflict when a file stands where `path` or one of its parents would be."""
        node: Node = self.root
        for name in path.split("/") if path else ():
            if not isinstance(node, FolderNode) or name not in node.children:
                return
            node = node.children[name]
            if isinstance(node, FileNode):
                raise Conflict(f"A file is in the way: {names.shown(node.path)} is no folder.")

    def make_folder(self, path: str, now: int) -> FolderNode:
        """The folder at `path`, made with its parents where missing. Raises Conflict."""
        self.check_folder(path)
        folder = self.root
        for name in path.split("/") if path else ():
            if name not in folder.children:
                made = FolderNode(id=self.next_id(), name=name, parent=None, created=now, modified=now)
                self.attach(made, folder, name, now)
            child = folder.children[name]
            if isinstance(child, FolderNode):  # or check_folder had raised
                folder = child
        return folder

    def attach(self, node: Node, folder: FolderNode, name: str, now: int) -> None:
        """Hang an entry into a folder."""
        node.name, node.parent = name, folder
        folder.children[name] = node
        folder.modified = now

    def detach(self, node: Node, now: int) -> None:
        """Take an entry out of its folder."""
        if node.parent is not None:
            del node.parent.children[node.name]
            node.parent.modified = now
            node.parent = None


def files_of(node: Node) -> Iterator[FileNode]:
    """The file itself, or all files below a folder."""
    if isinstance(node, FileNode):
        yield node
    else:
        yield from (child for child in node.below() if isinstance(child, FileNode))


def check_paths(node: Node, before: str, after: str) -> None:
    """Raise BadName when something at or below an entry would get too long a path by its move."""
    below = node.below() if isinstance(node, FolderNode) else ()
    for path in (node.path, *(child.path for child in below)):
        check_length(len((after + path.removeprefix(before)).encode()))
