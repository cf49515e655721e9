"""What lies below a folder, asked from below: each folder's path is climbed to once."""

from sqlite3 import Connection

from fileshare.domain import names

_PARENT = "SELECT parent_id, name FROM entries WHERE id = ?1"


class Scope:
    """A folder and all folders below it. What lies in the trash is in no scope."""

    def __init__(self, db: Connection, folder_id: int, path: str) -> None:
        self._db = db
        self._paths: dict[int | None, str | None] = {None: None, folder_id: path}

    def path_of(self, folder_id: int | None) -> str | None:
        """The folder's path, None where it lies elsewhere."""
        way: list[tuple[int | None, str]] = []
        while folder_id not in self._paths:
            parent_id, name = self._db.execute(_PARENT, (folder_id,)).fetchone()
            way.append((folder_id, name))
            folder_id = parent_id
        path = self._paths[folder_id]
        for below, name in reversed(way):
            path = self._paths[below] = None if path is None else names.join(path, name)
        return path

    def holds(self, folder_id: int | None) -> bool:
        """Whether the folder is in it."""
        return self.path_of(folder_id) is not None
