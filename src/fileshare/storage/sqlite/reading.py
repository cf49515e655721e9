"""A database that is only read, also while a server has it open and writes.

Never migrates: one of another format is refused, so that looking changes nothing.
"""

import sqlite3

from fileshare.errors import NotFound, Unavailable
from fileshare.storage.sqlite import migrating
from fileshare.storage.sqlite.connection import Connection, log, translated
from fileshare.storage.sqlite.database import Database


class ReadingDatabase(Database):
    """`run` raises Unavailable; everything else is as with the database itself."""

    async def open(self) -> None:
        """Raises NotFound when there is no such file, Unavailable for another format, StorageFailed."""
        if not self._path.exists():
            raise NotFound(f"{self._path.parent} is no data folder of fileshare.")
        try:
            reader = Connection(self._connect_known, "database-reader")
            await reader.open()
            self._readers.append(reader)
        except sqlite3.Error as error:
            log.error("the database can't be opened: %s", error)
            raise translated(error) or error from error

    def _connect_known(self) -> sqlite3.Connection:
        connection = self._connect_reader()
        try:
            (found,) = connection.execute("PRAGMA user_version").fetchone()
            if found != (known := len(migrating.load(self._migrations))):
                raise Unavailable(
                    f"{self._path} has format {found} and this fileshare reads format {known}: "
                    "start its server once to bring an older one up to date."
                )
        except BaseException:
            connection.close()
            raise
        return connection
