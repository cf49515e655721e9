"""What tus adds to the application besides its rows in the table of routes."""

from aiohttp import web

from fileshare.services.nice_threads import nice_pool
from fileshare.web.tus.checksums import HASHERS
from fileshare.web.tus.patience import PATIENCE, Patience
from fileshare.web.tus.protocol import add_version

HASHING_THREADS = 4
"""Hashing keeps a core busy, and small servers have two to four."""


def set_up(application: web.Application) -> None:
    """Before the application starts."""
    application[PATIENCE] = Patience()
    application[HASHERS] = nice_pool(HASHING_THREADS, "checksum")
    application.on_response_prepare.append(add_version)
    application.on_cleanup.append(_end_threads)


async def _end_threads(application: web.Application) -> None:
    application[HASHERS].shutdown(wait=False, cancel_futures=True)
