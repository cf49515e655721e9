"""The body of one request into an upload: all of it with a checksum, each byte that came without.

What is answered is durable. A writer that is fine waits for the next piece.
"""

import asyncio

from aiohttp import web

from fileshare.domain.model import Receipt, Upload
from fileshare.errors import ConnectionLost, DigestMismatch, FileshareError, TooLarge
from fileshare.services.writer import Writer
from fileshare.web.bodies import RequestBody
from fileshare.web.keys import services_of
from fileshare.web.receiving import take
from fileshare.web.tus.checksums import HASHERS, CheckedBody, Checksum, checksum_of
from fileshare.web.tus.refusals import ChecksumMismatch, TooMuch


def body_of(request: web.Request) -> RequestBody:
    """The request's body; its `stop` is what a writer's `let_go` calls."""
    return RequestBody(request, services_of(request).settings.stall_seconds)


async def receive(request: web.Request, writer: Writer, body: RequestBody) -> Upload | Receipt:
    """Take the body, and finish the upload when that was its last piece; lets go of the writer.

    Raises ChecksumMismatch: of the piece, which then does not count, or of the whole, which is gone;
    TooMuch where more came than was announced or is allowed: the upload is gone; ConnectionAbortedError
    for a body that broke off or stalls, whose bytes are kept unless they had a checksum; Stopped.
    """
    try:
        writer.raise_if_stopped()  # while it waited for this piece
        checksum = _checked(request, writer)
        if checksum is None:
            await _take(writer, body)
        else:
            await _take_checked(request, writer, body, checksum)
        return await settle(request, writer)
    except ConnectionLost as error:
        await _keep(request, writer)
        # Cut, not answered: whoever is still there takes a status in the 400s for the end of the upload.
        raise ConnectionAbortedError(error.message) from error
    except TooMuch:
        await writer.abandon()
        raise
    except BaseException:  # also when the server stops: nobody else would let go
        await asyncio.shield(writer.release())
        raise


def _checked(request: web.Request, writer: Writer) -> Checksum | None:
    """What can be refused before the first byte."""
    length = request.content_length
    if length is not None and writer.left is not None and length > writer.left:
        raise TooLarge(f"{length} bytes are announced, and {writer.left} are missing.")
    return checksum_of(request)


async def _take(writer: Writer, body: RequestBody) -> None:
    """Every byte counts, so one too many shows that the file is not the one that was announced."""
    try:
        await take(writer, body)
    except TooLarge as error:
        raise TooMuch(f"{error.message} The upload is gone: begin it anew.") from error


async def _take_checked(request: web.Request, writer: Writer, body: RequestBody, checksum: Checksum) -> None:
    await writer.doubt()
    checked = CheckedBody(body, checksum, request.app[HASHERS])
    await take(writer, checked)
    if not await checked.matches():
        raise ChecksumMismatch("The bytes do not have the checksum; none of them count. Send them again.")
    await writer.believe()


async def settle_or_release(request: web.Request, writer: Writer) -> Upload | Receipt:
    """As `settle`, and nobody holds the upload when it fails."""
    try:
        return await settle(request, writer)
    except BaseException:
        await asyncio.shield(writer.release())
        raise


async def settle(request: web.Request, writer: Writer) -> Upload | Receipt:
    """After a piece: the receipt when it was the last one, otherwise the upload, which is parked."""
    if writer.left == 0 and not writer.upload.partial:
        try:
            return await writer.finish()
        except DigestMismatch as error:
            raise ChecksumMismatch(error.message) from error
    await writer.checkpoint()
    if writer.superseded:
        writer.raise_if_stopped()
    if writer.left == 0:
        await writer.release()  # a piece that waits to be joined
    else:
        services_of(request).uploads.park(writer)
    return writer.upload


async def _keep(request: web.Request, writer: Writer) -> None:
    """The client went away and will come back: what it sent is durable before anyone asks."""
    try:
        await writer.checkpoint()
    except FileshareError:
        await writer.release()
        raise
    if writer.doubted:
        await writer.release()
    else:
        services_of(request).uploads.park(writer)
