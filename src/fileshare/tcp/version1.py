"""The commands of protocol version 1: one short coroutine each, one service call.

What stands here stays for ever; new things go to version 2.
"""

import logging

from fileshare.domain.model import Door, File, OnConflict, Receipt
from fileshare.errors import BadOffset, BadRequest, FileshareError, NotFound, TooMany
from fileshare.services.new_uploads import NewUpload
from fileshare.services.ports import Page
from fileshare.tcp import answers
from fileshare.tcp.receiving import receive_raw, upload_done
from fileshare.tcp.session import Session
from fileshare.wire import messages as m
from fileshare.wire.codec import encode_listed

PAGE = 1000
"""Files fetched at a time for LIST, so that others get their turn in between."""

_log = logging.getLogger("fileshare.server")


async def auth(session: Session, request: m.Auth) -> None:
    """AUTH: log in with name and password."""
    accounts = session.services.accounts
    session.logged_out()
    account = await accounts.log_in(
        request.username, request.password, address=session.stream.address, door=Door.TCP
    )
    session.logged_in(account, None)
    session.reply(m.AuthSuccess(role=account.role.value))


async def list_files(session: Session, _: m.ListFiles) -> None:
    """LIST: every file by its full path."""
    async with session.listing():
        await _send_list(session)


async def _send_list(session: Session) -> None:
    """A long list is counted first, and encoded page by page."""
    page = await session.services.files.walk(session.caller, "", PAGE)
    found = _listed(page)
    if page.next is None:
        _refuse_too_many(session, len(found))
        session.reply(m.FileList(files=found))
        return
    _refuse_too_many(session, await session.services.files.count(session.caller))
    pieces = [encode_listed(found)]
    size = len(pieces[0])
    while page.next is not None:
        page = await session.services.files.walk(session.caller, "", PAGE, page.next)
        pieces.append(encode_listed(_listed(page)))
        size += len(pieces[-1])
        if size > session.wire.limits.reply:
            raise TooMany("The list would be too long: list the files in pages, with protocol version 2.")
    for piece in session.wire.send_list(pieces):
        session.stream.put(piece)


def _listed(page: Page) -> list[m.ListedFile]:
    return [answers.listed_file(entry) for entry in page.entries if isinstance(entry, File)]


def _refuse_too_many(session: Session, count: int) -> None:
    limit = session.services.limits.list_limit
    if count > limit:
        raise TooMany(f"There are more than {limit} files: list them in pages, with protocol version 2.")


async def upload(session: Session, request: m.UploadFile) -> None:
    """UPLOAD: always a new one."""
    if request.file_size < 0:
        raise BadRequest("file_size must be 0 or more bytes.")
    new = NewUpload(
        path=request.filename,
        size=request.file_size,
        digest=request.file_hash,
        on_conflict=OnConflict.REPLACE if request.overwrite else OnConflict.KEEP_BOTH,
    )
    writer = await session.services.uploads.begin(session.caller, new, session.stream.stop_reading)
    if isinstance(writer, Receipt):
        raise RuntimeError("an upload without a client id has no receipt before it ends")
    session.reply(m.UploadReady(temp_id=writer.upload.id))
    await receive_raw(session, writer)


async def resume(session: Session, request: m.ResumeUpload) -> None:
    """RESUME: the caller's furthest upload of that name and digest; a finished one is answered again."""
    found = await session.services.uploads.resume(
        session.caller, session.stream.stop_reading, path=request.filename, digest=request.file_hash
    )
    if isinstance(found, Receipt):
        session.reply(m.ResumeReady(bytes_received=found.size, file_size=found.size))
        session.reply(upload_done(found))
        return
    if found.upload.size is None:
        await found.release()
        raise NotFound("That upload was begun without its size: this version can't go on with it.")
    session.reply(m.ResumeReady(bytes_received=found.offset, file_size=found.upload.size))
    await receive_raw(session, found)


async def download(session: Session, request: m.DownloadFile) -> None:
    """DOWNLOAD: the raw bytes from `start_byte` on."""
    files = session.services.files
    found = await files.open(session.caller, request.filename)
    size, start = found.version.size, _start_byte(request.start_byte, found.version.size)
    session.reply(
        m.DownloadReady(filename=found.path, file_size=size, file_hash=found.version.digest, start_byte=start)
    )
    await session.stream.drain()
    try:
        await files.send(found, start, size, session.stream)
    except FileshareError as error:
        # The client counts raw bytes, so an error can't be told among them: only the end can.
        _log.warning("a download of %s ended early: %s", found.path, error.message)
        session.stream.abort()
        raise
    session.wire.flow_done()


def _start_byte(value: object, size: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= size:
        raise BadOffset(f"start_byte must be a whole number from 0 to the file's size, {size}.")
    return value


async def download_confirm(_: Session, __: m.DownloadConfirm) -> None:
    """DOWNLOAD_CONFIRM: taken in silence, and never waited for."""
