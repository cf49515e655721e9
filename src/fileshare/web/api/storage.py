"""How full the disk is, and with what, for admins."""

from msgspec import Struct

from fileshare.domain.access import Action
from fileshare.web.api.endpoint import Asked, endpoint


class Storage(Struct, frozen=True, kw_only=True):
    """Bytes. What is stored is the sum over all versions; equal contents lie on the disk once."""

    disk_size: int
    disk_free: int
    disk_low: bool
    """Less than a tenth is free: act before uploads are refused."""
    files: int
    current: int
    versions: int
    trash: int


@endpoint("GET", "/storage", Action.READ_METRICS)
async def get_storage(asked: Asked[None, None]) -> Storage:
    """How full the disk is, and what files, older versions and the trash hold; at most a minute old."""
    measures = asked.services.measures
    disk, usage = await measures.disk(), await measures.usage()
    return Storage(
        disk_size=disk.size,
        disk_free=disk.free,
        disk_low=disk.low,
        files=usage.files,
        current=usage.current,
        versions=usage.versions,
        trash=usage.trash,
    )


ENDPOINTS = (get_storage,)
