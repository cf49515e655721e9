"""Go on with an upload of which this machine has no record: begun by another client, or in a browser.

The server is asked by path and digest, so the file is hashed first. An upload whose
digest was never told is taken by path and size; the digest of the whole decides in the
end, and a wrong beginning is never stored.
"""

from msgspec import UNSET

from fileshare.client.line import Line
from fileshare.client.rate import Rate
from fileshare.client.reports import Item, Outcome, Reporter
from fileshare.client.sources import FileSource, digest_of_file
from fileshare.client.state import UploadSource
from fileshare.client.uploads import Sending, Uploader
from fileshare.errors import NotFound
from fileshare.wire import messages as m


def go_on_elsewhere(line: Line, rate: Rate, reporter: Reporter, source: UploadSource) -> tuple[Item, Outcome]:
    """Finish the caller's half-done upload of that file to that path. Raises NotFound."""
    content = FileSource(source.path)
    try:
        item = Item(direction="upload", path=source.target, local=source.path, size=content.size)
        digest = digest_of_file(source.path, lambda count: reporter.hashed(item, count, content.size))
        uploader = Uploader(line, rate, reporter)
        try:
            request = m.Resume(path=source.target, digest=digest)
            return item, uploader.send(Sending(item=item, resume=request), content)
        except NotFound:
            request = m.Resume(upload_id=_by_size(line, item))
            return item, uploader.send(Sending(item=item, resume=request), content)
    finally:
        content.close()


def _by_size(line: Line, item: Item) -> str:
    """The furthest upload to that path that may be of this file. Raises NotFound."""
    found = [
        upload
        for upload in line.ask(m.Uploads(), m.UploadList).uploads
        if upload.path == item.path and upload.digest is UNSET and upload.size in (item.size, UNSET)
    ]
    if not found:
        raise NotFound(f"The server has no half-done upload of {item.path!r} with this content.")
    return max(found, key=lambda upload: upload.offset).upload_id
