"""Receive the body of an upload, and end it well or badly: the same for both versions.

A client of version 1 reads nothing until it has sent all, so an error in the middle of
its body is told after the rest was thrown away, or, when much is left, as the last
word before the connection closes. Version 2 hears it at once and sends ABORT or END.
"""

import asyncio
from itertools import accumulate, pairwise

from fileshare.domain.model import Receipt
from fileshare.errors import BadRequest, ConnectionLost, FileshareError, Stopped, Superseded, TooLarge
from fileshare.services.writer import Writer
from fileshare.tcp import answers
from fileshare.tcp.bodies import RawBody, SegmentedBody
from fileshare.tcp.session import Session
from fileshare.wire import messages as m
from fileshare.wire.connection import Aborted, End

SLICE = 64 << 20
"""Bytes between two looks at size and space; at each of them all that came is written and hashed."""

DRAIN_BYTES = 8 << 20
"""A version 1 body with at most this much left is read to its end, so that the connection lives on."""

DISCARD_BYTES = 64 << 20
DISCARD_SECONDS = 10.0
"""How much, and how long, a version 2 client may still send after it was refused."""


TAKEN = (Superseded, Stopped)
"""With these the connection's reading side was shut already: nothing more of it can be read."""


async def receive_raw(session: Session, writer: Writer) -> None:
    """Version 1: the rest of the upload as raw bytes, then the final reply."""
    session.wire.expect_raw(writer.left or 0)
    body = RawBody(session.wire, session.stream)
    try:
        while writer.left and await writer.receive(body, min(SLICE, writer.left)):
            pass
        receipt = await _finished(session, writer)
    except FileshareError as error:
        await writer.release()
        await _fail_raw(session, body, error)
    except BaseException:  # as below
        await writer.release()
        raise
    else:
        session.reply(upload_done(receipt))


async def _finished(session: Session, writer: Writer) -> Receipt:
    if writer.left:
        writer.raise_if_superseded()
        raise ConnectionLost("The connection ended within an upload.")
    return await writer.finish()


def upload_done(receipt: Receipt) -> m.UploadDone:
    """Version 1's final reply."""
    return m.UploadDone(filename=receipt.path, size=receipt.size, hash=receipt.digest)


async def _fail_raw(session: Session, body: RawBody, error: FileshareError) -> None:
    if isinstance(error, ConnectionLost):
        raise error
    if session.wire.body_left <= DRAIN_BYTES and not isinstance(error, TAKEN):
        while session.wire.body_left:
            if not await body.read(DRAIN_BYTES):
                raise ConnectionLost()
        session.reply(answers.final_for(error))
        return
    session.reply(answers.final_for(error))
    raise ConnectionLost(error.message)


async def receive_segments(session: Session, writer: Writer) -> None:
    """Version 2: segments until END, with checkpoints told as they are made, then the final reply."""
    body = SegmentedBody(session.wire, session.stream)
    writer.tell_checkpoints(lambda offset: _tell_checkpoint(session, writer, body, offset))
    try:
        await _take_segments(writer, body)
        reply = await _end_segments(writer, body)
    except FileshareError as error:
        await writer.release()
        await _fail_segments(session, body, error)
    except BaseException:  # also when the server stops: nobody else would let go
        await writer.release()
        raise
    else:
        session.reply(reply)


async def _tell_checkpoint(session: Session, writer: Writer, body: SegmentedBody, offset: int) -> None:
    if body.event is None and not writer.over and not session.stream.lost:
        session.reply(m.Checkpoint(upload_id=answers.public_id(writer.upload), offset=offset))


async def _take_segments(writer: Writer, body: SegmentedBody) -> None:
    """Until END, ABORT, or the connection's end."""
    while body.event is None:
        left = writer.left
        if left == 0:
            if await body.read(1):
                raise TooLarge("More bytes came than the upload announced: begin it anew.")
            return
        if not await writer.receive(body, SLICE if left is None else min(SLICE, left)):
            return


async def _end_segments(writer: Writer, body: SegmentedBody) -> m.Reply:
    match body.event:
        case End(size=size, digest=digest) if writer.upload.partial:
            await writer.complete(size, digest.lower() if digest else None)
            return m.Done()
        case End(size=size, digest=digest):
            return answers.stored(await writer.finish(size, digest.lower() if digest else None))
        case Aborted():
            await writer.release()
            return m.Done()
    writer.raise_if_superseded()
    raise ConnectionLost("The connection ended within an upload.")


async def _fail_segments(session: Session, body: SegmentedBody, error: FileshareError) -> None:
    if isinstance(error, ConnectionLost):
        raise error
    reply = answers.final_for(error)
    if body.event is not None:
        session.reply(reply)
        return
    session.stream.put(session.wire.refuse_rest(reply))
    if isinstance(error, TAKEN):
        raise ConnectionLost(error.message)
    await _discard_segments(body)


async def _discard_segments(body: SegmentedBody) -> None:
    """What the client had sent before it read the refusal. Raises ConnectionLost when it goes on."""
    left = DISCARD_BYTES
    try:
        async with asyncio.timeout(DISCARD_SECONDS):
            while left > 0 and (data := await body.discard(left)):
                left -= data
    except TimeoutError:
        left = 0
    if left <= 0:
        raise ConnectionLost("The client went on sending a body that was refused.")


async def receive_small(session: Session, request: m.Put) -> list[memoryview]:
    """The files of a PUT, whole and in memory. Raises ConnectionLost, BadRequest where they can't be."""
    limits = session.services.limits
    total = sum(file.size for file in request.files)
    if len(request.files) > limits.window_uploads or total > limits.window_bytes:
        raise BadRequest(
            f"A PUT holds up to {limits.window_uploads} files and {limits.window_bytes} bytes, as HELLO said."
        )
    body = SegmentedBody(session.wire, session.stream)
    whole = await body.read_whole(total)
    if whole is None:
        raise ConnectionLost("The connection ended within a PUT.")
    session.wire.put_done()
    ends = list(accumulate((file.size for file in request.files), initial=0))
    return [memoryview(whole)[start:end] for start, end in pairwise(ends)]
