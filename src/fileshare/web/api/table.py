"""Every endpoint of the API. The table of routes and the OpenAPI document are made from it."""

from fileshare.web.api import (
    events,
    files,
    folders,
    logs,
    tokens,
    trash,
    uploads,
    users,
    versions,
)
from fileshare.web.api.endpoint import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    *tokens.ENDPOINTS,
    *files.ENDPOINTS,
    *folders.ENDPOINTS,
    *versions.ENDPOINTS,
    *uploads.ENDPOINTS,
    *trash.ENDPOINTS,
    *users.ENDPOINTS,
    *logs.ENDPOINTS,
    *events.ENDPOINTS,
)
