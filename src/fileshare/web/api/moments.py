"""Times as the API tells them, seconds since 1970, and back; inside they are milliseconds."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

Seconds = Annotated[
    float, Meta(ge=-(2**40), le=2**40, description="Seconds since 1970 (UTC).", examples=[1767225600.5])
]
"""Far beyond every date, and exact in milliseconds; NaN and infinity lie outside."""


def seconds(milliseconds: int) -> float:
    """A time for an answer."""
    return milliseconds / 1000


def seconds_or_none(milliseconds: int | None) -> float | None:
    """A time that there may not be."""
    return None if milliseconds is None else seconds(milliseconds)


def milliseconds(told: float | UnsetType) -> int | None:
    """A time of a request, None where it was not told."""
    return None if told is UNSET else round(told * 1000)
