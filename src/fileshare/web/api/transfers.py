"""What moves at this moment at both doors, for admins."""

from msgspec import Struct

from fileshare.domain.access import Action
from fileshare.domain.model import Door
from fileshare.services.meters import Direction
from fileshare.services.transfers import Transfer as Moving
from fileshare.web.api.endpoint import Asked, endpoint
from fileshare.web.api.moments import Seconds, seconds


class Transfer(Struct, frozen=True, kw_only=True):
    """One transfer. `size` is where it ends, null where nobody knows; `speed` is bytes per second."""

    id: str
    account: str
    door: Door
    address: str
    direction: Direction
    path: str
    size: int | None
    offset: int
    speed: float
    started: Seconds


class Transfers(Struct, frozen=True, kw_only=True):
    """All of them, the oldest first."""

    transfers: list[Transfer]


@endpoint("GET", "/transfers", Action.SEE_TRANSFERS)
async def list_transfers(asked: Asked[None, None]) -> Transfers:
    """The transfers under way at both doors, the oldest first."""
    found = asked.services.transfers.list(asked.caller)
    return Transfers(transfers=[_shown(transfer) for transfer in found])


@endpoint("DELETE", "/transfers/{id:[^/]+}", Action.STOP_TRANSFERS)
async def stop_transfer(asked: Asked[None, None]) -> None:
    """Stop one, within some seconds; an upload can be resumed."""
    asked.services.transfers.stop(asked.caller, asked.named)


def _shown(moving: Moving) -> Transfer:
    return Transfer(
        id=moving.id,
        account=moving.account,
        door=moving.door,
        address=moving.address,
        direction=moving.direction,
        path=moving.path,
        size=moving.size,
        offset=moving.offset,
        speed=moving.speed,
        started=seconds(moving.started),
    )


ENDPOINTS = (list_transfers, stop_transfer)
