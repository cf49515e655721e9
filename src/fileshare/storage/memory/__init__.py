"""A pair of stores in memory: complete, and gone with the process. For tests, here and in other rings.

Every method of the catalog does its work without awaiting, so that it is one unit by
itself; it looks first and changes after, so that an error leaves everything as it was.
Both can be told to misbehave at a chosen step (`storage.mishaps`).
"""

from fileshare.storage.memory.blobs import MemoryBlobs, MemoryPart, MemoryReserve
from fileshare.storage.memory.contents import Contents
from fileshare.storage.memory.entries import Entries
from fileshare.storage.memory.uploads import Uploads

__all__ = ["MemoryBlobs", "MemoryCatalog", "MemoryPart", "MemoryReserve"]


class MemoryCatalog(Uploads, Entries, Contents):
    """`services.ports.Catalog` in dictionaries. `owner_name` tells an account's name by its id."""
