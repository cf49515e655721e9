"""The local folders of a download: made once, and remembered, so that a file costs no look at its folder."""

import os
from collections.abc import Callable


class LocalFolders:
    """Folders that are there. For one thread."""

    def __init__(self, made: Callable[[str], None]) -> None:
        """`made` hears of each folder that was not there before."""
        self._told = made
        self._there: set[str] = set()
        self._made: set[str] = set()

    def make(self, path: str) -> None:
        """The folder and its parents are there on return. Raises OSError; FileExistsError for a file."""
        if path in self._there:
            return
        try:
            self._make_one(path)
        except FileNotFoundError:
            self.make(os.path.dirname(path))
            self._make_one(path)
        self._there.add(path)

    def _make_one(self, path: str) -> None:
        try:
            os.mkdir(path)
        except FileExistsError:
            if not os.path.isdir(path):
                raise
        else:
            self._made.add(path)
            self._told(path)

    def is_new(self, path: str) -> bool:
        """Whether it was made here: nothing of anybody else's stands in it, as far as one can tell."""
        return path in self._made
