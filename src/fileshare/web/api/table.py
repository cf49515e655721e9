"""Every endpoint of the API. The table of routes and the OpenAPI document are made from it."""

import msgspec

from fileshare.web.api import (
    events,
    files,
    folders,
    logs,
    sessions,
    storage,
    tokens,
    transfers,
    trash,
    uploads,
    users,
    versions,
)
from fileshare.web.api.document import encoded
from fileshare.web.api.endpoint import Asked, Endpoint, endpoint
from fileshare.web.guards import Open
from fileshare.web.origin import local_url


@endpoint("GET", "/openapi.json", Open.EVERYONE)
async def openapi(asked: Asked[None, None]) -> msgspec.Raw:
    """This document."""
    return encoded(ENDPOINTS, local_url(asked.request, "") or "/")


ENDPOINTS: tuple[Endpoint, ...] = (
    openapi,
    *tokens.ENDPOINTS,
    *sessions.ENDPOINTS,
    *files.ENDPOINTS,
    *folders.ENDPOINTS,
    *versions.ENDPOINTS,
    *uploads.ENDPOINTS,
    *transfers.ENDPOINTS,
    *trash.ENDPOINTS,
    *users.ENDPOINTS,
    *storage.ENDPOINTS,
    *logs.ENDPOINTS,
    *events.ENDPOINTS,
)
