"""Reads everything that is stored and says what is damaged: `fileshare verify`.

Changes nothing, and may run beside a server: what was deleted meanwhile is not
damage, so each finding is looked at again before it counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from fileshare.domain.model import Upload
from fileshare.errors import Damaged, NotFound
from fileshare.services.ports import Blobs, Catalog, Content
from fileshare.services.tally import OnProgress, Progress

PAGE = 64
"""Contents asked of the catalog at a time: small ones come with their bytes."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A content, a part or a row that is not what it should be, and the paths that have it."""

    what: str
    message: str
    paths: Sequence[str] = ()


@dataclass(slots=True)
class Findings:
    """What a verification has read, and what it found."""

    contents: int = 0
    size: int = 0
    uploads: int = 0
    damaged: list[Damage] = field(default_factory=list)


class Verification:
    """One reading of a catalog and its blobs."""

    def __init__(self, catalog: Catalog, blobs: Blobs) -> None:
        self._catalog = catalog
        self._blobs = blobs

    async def run(self, on_progress: OnProgress) -> Findings:
        """Hash every content and measure every part; also what the catalog says of itself."""
        findings = Findings()
        for sentence in await self._catalog.inconsistencies():
            findings.damaged.append(Damage("database", sentence))
        total = await self._catalog.count_contents()
        after = ""
        while page := await self._catalog.contents(after, PAGE):
            for content in page:
                on_progress(Progress(findings.contents, total, findings.size, content.digest))
                await self._read(content, findings)
            after = page[-1].digest
        for upload in await self._catalog.uploads():
            await self._measure(upload, findings)
        return findings

    async def _read(self, content: Content, findings: Findings) -> None:
        findings.contents += 1
        findings.size += content.size
        message = await self._what_is_wrong(content)
        if message is None or not await self._still_stored(content):
            return
        paths = await self._catalog.paths_of(content.digest)
        findings.damaged.append(Damage(content.digest, message, paths))

    async def _what_is_wrong(self, content: Content) -> str | None:
        if content.data is not None and len(content.data) != content.size:
            return f"{len(content.data)} bytes are there instead of {content.size}"
        try:
            found = await self._blobs.rehash(content)
        except Damaged as error:
            return error.message
        return None if found == content.digest else f"its bytes have the digest {found}"

    async def _still_stored(self, content: Content) -> bool:
        try:
            await self._catalog.content(content.digest)
        except NotFound:
            return False
        return True

    async def _measure(self, upload: Upload, findings: Findings) -> None:
        """A part must hold at least what was acknowledged."""
        findings.uploads += 1
        length = await self._length(upload)
        if length >= upload.offset:
            return
        try:
            now = await self._catalog.upload(upload.id)
        except NotFound:
            return  # finished or given up meanwhile
        if now.epoch == upload.epoch and await self._length(now) < now.offset:
            message = f"{length} of {upload.offset} acknowledged bytes are there; it can be sent again"
            findings.damaged.append(Damage(f"upload {upload.id}", message, [upload.path]))

    async def _length(self, upload: Upload) -> int:
        part = await self._blobs.rehash_part(upload.id)
        if part is not None:
            return part[0]
        renamed = upload.found_digest is not None and await self._blobs.exists(
            upload.found_digest, upload.offset
        )
        return upload.offset if renamed else 0
