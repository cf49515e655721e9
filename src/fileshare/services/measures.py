"""How the service does, in numbers: what it counted, and what it holds at this moment."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from fileshare.domain.model import Door
from fileshare.services.meters import Histogram, Meters
from fileshare.services.ports import Blobs, Catalog, Usage

USAGE_SECONDS: Final = 60
"""How old the sums over all versions may be: with a million of them they take a while."""


DISK_SECONDS: Final = 10
"""How old the figures of the disk may be on a page that everyone opens all the time."""

LOW_PART: Final = 0.1
"""Below this part of the disk free, admins are warned: time to act before uploads are refused."""


@dataclass(frozen=True, slots=True)
class Disk:
    """What the file system of the data folder has, bytes."""

    free: int
    size: int

    @property
    def used(self) -> int:
        """What is taken, by whomever."""
        return self.size - self.free

    @property
    def low(self) -> bool:
        """Whether an admin should do something."""
        return self.free < self.size * LOW_PART


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at all of it. Sizes are bytes."""

    meters: Meters
    connections: Mapping[str, int]
    """How many are open, by door."""
    latencies: Mapping[str, Histogram]
    disk_free: int
    disk_size: int
    usage: Usage


class Measures:
    """What there is to measure. One per process."""

    def __init__(
        self,
        meters: Meters,
        catalog: Catalog,
        blobs: Blobs,
        latencies: Mapping[str, Histogram] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`latencies` are the database's, by kind of work; `clock` tells seconds."""
        self._meters = meters
        self._catalog = catalog
        self._blobs = blobs
        self._latencies = latencies or {}
        self._clock = clock
        self._connections: dict[Door, Callable[[], int]] = {}
        self._usage: tuple[float, Usage] | None = None
        self._disk: tuple[float, Disk] | None = None

    def watch(self, door: Door, connections: Callable[[], int]) -> None:
        """Ask `connections` how many are open at a door."""
        self._connections[door] = connections

    async def read(self) -> Reading:
        """All numbers of this moment; sums over versions may be a minute old. Raises StorageFailed."""
        free, size = await self._blobs.space()
        return Reading(
            self._meters,
            {door.value: count() for door, count in self._connections.items()},
            self._latencies,
            free,
            size,
            await self._sums(),
        )

    async def disk(self) -> Disk:
        """Free and total space, at most `DISK_SECONDS` old. Raises StorageFailed."""
        if self._disk is None or self._clock() - self._disk[0] >= DISK_SECONDS:
            self._disk = self._clock(), Disk(*await self._blobs.space())
        return self._disk[1]

    async def usage(self) -> Usage:
        """What files, older versions and the trash hold; at most `USAGE_SECONDS` old."""
        return await self._sums()

    def forget(self) -> None:
        """Somebody changed much at once, and wants to see what came of it: look anew next time."""
        self._disk = self._usage = None

    async def _sums(self) -> Usage:
        if self._usage is None or self._clock() - self._usage[0] >= USAGE_SECONDS:
            self._usage = self._clock(), await self._catalog.usage()
        return self._usage[1]
