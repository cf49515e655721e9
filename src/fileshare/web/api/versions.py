"""The contents that a file has and had."""

from msgspec import Struct

from fileshare.domain.access import Action
from fileshare.web.api.endpoint import Asked, endpoint
from fileshare.web.api.moments import Seconds, seconds
from fileshare.web.api.paging import Next, Paging, cut


class Version(Struct, frozen=True, kw_only=True):
    """One content of a file; its bytes are at `/files/<path>?version=<number>`."""

    number: int
    size: int
    sha256: str
    modified: Seconds
    created: Seconds
    owner: str


class VersionPage(Struct, frozen=True, kw_only=True):
    """Versions, the newest first."""

    versions: list[Version]
    next: Next


@endpoint("GET", "/versions/{path:.+}", Action.VERSIONS)
async def list_versions(asked: Asked[Paging, None]) -> VersionPage:
    """The versions of a file, the newest first."""
    found = await asked.services.files.versions(asked.caller, asked.named)
    page, following = cut(found, lambda version: f"{version.number:016d}", asked.query)
    shown = [
        Version(
            number=version.number,
            size=version.size,
            sha256=version.digest,
            modified=seconds(version.modified),
            created=seconds(version.created),
            owner=version.owner,
        )
        for version in page
    ]
    return VersionPage(versions=shown, next=following)


ENDPOINTS = (list_versions,)
