"""The commands of protocol version 2 with bodies: UPLOAD, RESUME, PUT, HAVE, PROVE, GET, DOWNLOAD."""

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from msgspec import UNSET, UnsetType

from fileshare.domain.digest import parse_digest
from fileshare.domain.model import OnConflict, Receipt
from fileshare.errors import BadOffset, BadRequest, ConnectionLost, FileshareError
from fileshare.services.batches import Outcome
from fileshare.services.files import Download
from fileshare.services.new_uploads import NewUpload
from fileshare.services.whole_files import SmallFile
from fileshare.services.writer import Writer
from fileshare.tcp import answers
from fileshare.tcp.bodies import SegmentedSink
from fileshare.tcp.receiving import receive_segments, receive_small
from fileshare.tcp.session import Session
from fileshare.wire import messages as m

T = TypeVar("T")


def _known(value: T | UnsetType) -> T | None:
    return None if isinstance(value, UnsetType) else value


async def upload(session: Session, request: m.Upload) -> None:
    """UPLOAD: begin, go on with, or hear again what became of the upload of that id."""
    new = NewUpload(
        path=request.path,
        size=_known(request.size),
        digest=_known(request.digest),
        on_conflict=OnConflict(request.on_conflict),
        modified=answers.milliseconds(_known(request.modified)),
        client_id=request.upload_id,
        partial=request.piece,
    )
    found = await session.services.uploads.begin(session.caller, new, session.stream.stop_reading)
    await _go_on(session, found)


async def append(session: Session, request: m.Append) -> None:
    """APPEND: a piece that came over another connection."""
    offset = await session.services.appending.append(
        session.caller, request.upload_id, request.piece_id, request.offset
    )
    session.reply(m.Appended(upload_id=request.upload_id, offset=offset))


async def resume(session: Session, request: m.Resume) -> None:
    """RESUME: go on with an upload that was begun elsewhere."""
    found = await session.services.uploads.resume(
        session.caller,
        session.stream.stop_reading,
        upload_id=_known(request.upload_id),
        path=_known(request.path),
        digest=_known(request.digest),
    )
    await _go_on(session, found)


async def _go_on(session: Session, found: Writer | Receipt) -> None:
    if isinstance(found, Receipt):
        session.reply(answers.stored(found))
        return
    session.reply(answers.ready(found.upload, found.offset))
    await receive_segments(session, found)


async def put(session: Session, request: m.Put) -> None:
    """PUT: take the bytes, let them be stored while the next are read; `Results` follow in order."""
    bodies = await receive_small(session, request)
    files = [
        SmallFile(file.upload_id, file.path, file.digest, body, answers.milliseconds(_known(file.modified)))
        for file, body in zip(request.files, bodies, strict=True)
    ]
    before = session.puts
    await _make_room(session, before)
    session.puts = asyncio.create_task(_store(session, files, OnConflict(request.on_conflict), before))


async def _make_room(session: Session, before: asyncio.Task[None] | None) -> None:
    """One PUT is being stored while the next is read; a third waits, so that memory stays bounded."""
    if before is not None and not before.done():
        await asyncio.wait([before])


async def _store(
    session: Session, files: Sequence[SmallFile], conflicts: OnConflict, before: asyncio.Task[None] | None
) -> None:
    outcomes: Sequence[Outcome]
    try:
        outcomes = await session.services.whole_files.put(session.caller, files, conflicts)
    except FileshareError as error:
        outcomes = [error] * len(files)
    if before is not None:
        await asyncio.wait([before])
    results = [answers.put_result(f.client_id, outcome) for f, outcome in zip(files, outcomes, strict=True)]
    if not session.stream.lost:
        session.reply(m.Results(results=results))


async def have(session: Session, request: m.Have) -> None:
    """HAVE: a nonce when the server has this content, nothing when it must be sent."""
    digest = request.digest.lower()
    nonce = await session.services.whole_files.challenge(session.caller, digest, request.size)
    session.nonces.clear()
    if nonce is not None:
        session.nonces[digest] = nonce
    session.reply(m.Challenge(nonce=UNSET if nonce is None else nonce.hex()))


async def prove(session: Session, request: m.Prove) -> None:
    """PROVE: store what is there already. Each nonce serves once."""
    nonce = session.nonces.pop(request.digest.lower(), None)
    if nonce is None:
        raise BadRequest("Ask HAVE for this digest first: PROVE answers its nonce, once.")
    new = NewUpload(
        path=request.path,
        size=request.size,
        digest=request.digest,
        on_conflict=OnConflict(request.on_conflict),
        modified=answers.milliseconds(_known(request.modified)),
        client_id=request.upload_id,
    )
    receipt = await session.services.whole_files.prove(session.caller, new, nonce, request.proof)
    session.reply(answers.stored(receipt))


_GET_BYTES = 1 << 20
"""Of one answer to GET: what a connection holds in memory, and a piece that a socket takes in a few calls."""


async def get(session: Session, request: m.Get) -> None:
    """GET: what small files hold, as many of the paths as fit one answer."""
    files = session.services.files
    found = await files.open_small(session.caller, request.paths, _GET_BYTES)
    session.reply(m.GetBegin(results=[answers.get_result(outcome) for outcome in found.outcomes]))
    await files.send_small(found, SegmentedSink(session.wire, session.stream))
    session.stream.put(session.wire.end(len(found.body)))


async def download(session: Session, request: m.Download) -> None:
    """DOWNLOAD: a range of a file or version in segments, then END."""
    found = await session.services.files.open(session.caller, request.path, _known(request.version))
    start, stop = _range(request, found)
    session.reply(
        m.DownloadBegin(
            path=found.path,
            version=found.version.number,
            size=found.version.size,
            digest=found.version.digest,
            modified=answers.seconds(found.version.modified),
            offset=start,
            length=stop - start,
        )
    )
    sink = SegmentedSink(session.wire, session.stream)
    try:
        await session.services.files.send(found, start, stop, sink)
    except ConnectionLost:
        raise
    except FileshareError as error:
        _give_up(session, sink, error)
    else:
        session.stream.put(session.wire.end(stop - start, found.version.digest))


def _range(request: m.Download, found: Download) -> tuple[int, int]:
    """First and last-but-one byte: the whole from 0 when the content is not the one that was begun."""
    size, offset = found.version.size, request.offset
    wanted = _known(request.if_digest)
    if wanted is not None and parse_digest(wanted) != found.version.digest:
        return 0, size
    if offset > size:
        raise BadOffset(f"The file has {size} bytes; the offset {offset} lies beyond them.")
    length = _known(request.length)
    return offset, size if length is None else min(size, offset + length)


def _give_up(session: Session, sink: SegmentedSink, error: FileshareError) -> None:
    """ABORT in place of what can't be sent; within a segment only the connection's end says so."""
    if sink.mid_segment:
        session.stream.abort()
        raise ConnectionLost(error.message) from error
    session.stream.put(session.wire.abort(error.code, error.message))
