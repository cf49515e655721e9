"""Room on the disk: looked at before the first byte, and kept for writers that are connected.

Without the reservation two uploads that fit alone would both begin and both fail.
Where a size is unknown, room is reserved in steps.
"""

from fileshare.errors import NoSpace
from fileshare.services.ports import Blobs

STEP = 64 << 20
"""Bytes reserved at a time for an upload of unknown size."""

HEADROOM = 16 << 20
"""Bytes, but never more than a twentieth of the disk, left to the database, so that a full
disk still lets an admin delete."""


class Space:
    """The sum of what connected writers may still need."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._reserved: dict[str, int] = {}

    async def reserve(self, upload_id: str, needed: int | None) -> None:
        """Keep `needed` bytes (None: unknown, one step) for an upload. Raises NoSpace.

        A second call for the same upload replaces the first.
        """
        wanted = STEP if needed is None else needed
        free, total = await self._blobs.space()
        others = sum(count for holder, count in self._reserved.items() if holder != upload_id)
        available = max(free - others - min(HEADROOM, total // 20), 0)
        if wanted > available and (needed is not None or not available):
            raise NoSpace(
                f"The server has room for {available} more bytes, and this needs {wanted}: "
                "free some space there, or upload less. Nothing that arrived is lost."
            )
        self._reserved[upload_id] = wanted

    def used(self, upload_id: str, count: int) -> None:
        """`count` reserved bytes were written: the disk's own count has them now."""
        if upload_id in self._reserved:
            self._reserved[upload_id] = max(self._reserved[upload_id] - count, 0)

    def left(self, upload_id: str) -> int:
        """Bytes still reserved for an upload."""
        return self._reserved.get(upload_id, 0)

    def release(self, upload_id: str) -> None:
        """The writer is gone."""
        self._reserved.pop(upload_id, None)
