"""What every writer of uploads works with, and the one limit that all of them keep."""

from collections.abc import Callable
from dataclasses import dataclass, field

from fileshare.errors import TooLarge
from fileshare.services.audit import Audit
from fileshare.services.batches import Committer
from fileshare.services.locks import DigestLocks, UploadLocks
from fileshare.services.meters import Meters
from fileshare.services.ports import Blobs, Catalog
from fileshare.services.space import Space
from fileshare.services.transfers import Transfers


@dataclass(frozen=True, slots=True)
class Workshop:
    """What every writer works with."""

    catalog: Catalog
    blobs: Blobs
    locks: UploadLocks
    digest_locks: DigestLocks
    space: Space
    committer: Committer
    audit: Audit
    clock: Callable[[], int]
    checkpoint_bytes: int
    """How many bytes may arrive before a checkpoint begins: what a power cut can cost."""
    checkpoint_seconds: float
    """How long bytes of a slow upload may wait for one."""
    small_size: int
    """Contents up to this many bytes live in the database."""
    max_file_size: int | None
    transfers: Transfers
    meters: Meters = field(default_factory=Meters)


def too_large(allowed: int) -> TooLarge:
    """The refusal of a file over the server's limit, bytes."""
    return TooLarge(f"The file is larger than the {allowed} bytes that this server takes.")


def refuse_size(shop: Workshop, size: int | None) -> None:
    """Refuse a file over the server's limit, bytes, as TooLarge."""
    allowed = shop.max_file_size
    if size is not None and allowed is not None and size > allowed:
        raise too_large(allowed)
