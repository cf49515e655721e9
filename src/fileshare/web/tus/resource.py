"""An upload's own URL: how far it is (HEAD), more bytes (PATCH), its end (DELETE), what it is (GET)."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from fileshare.domain.model import Receipt, Upload
from fileshare.errors import BadRequest, Conflict, Forbidden
from fileshare.services.writer import Writer
from fileshare.web.csrf import check_change
from fileshare.web.identity import caller_of
from fileshare.web.keys import services_of
from fileshare.web.paths import file_url
from fileshare.web.tus import answers, pieces
from fileshare.web.tus.concatenation import is_final
from fileshare.web.tus.lengths import number_of
from fileshare.web.tus.notes import Note
from fileshare.web.tus.patience import PATIENCE
from fileshare.web.tus.protocol import check_type, check_version, method_of, options


async def resource(request: web.Request) -> web.StreamResponse:
    """Whatever is asked of one upload, by the method that is meant."""
    method = method_of(request)
    if method != request.method:
        await check_change(request, method)
    if method == "OPTIONS":
        return await options(request)
    if method == "GET":
        return await _get(request)
    if method not in METHODS:
        raise web.HTTPMethodNotAllowed(method, METHODS)
    check_version(request)
    return await METHODS[method](request)


def _id_of(request: web.Request) -> str:
    return request.match_info["upload"]


async def _found(request: web.Request) -> Upload | Receipt:
    """The upload as it is now. Who still writes to it lets go first, so that no byte comes after this.

    All bytes may be there and the file not yet: a client that is told so sends nothing more.
    """
    found = await services_of(request).uploads.go_on(caller_of(request), _id_of(request), lambda: None)
    return found if isinstance(found, Receipt) else await pieces.settle_or_release(request, found)


async def _head(request: web.Request) -> web.Response:
    return web.Response(headers=answers.description(request, await _found(request)))


async def _get(request: web.Request) -> web.Response:
    """A finished upload leads to its file; before that, how far it is, without disturbing anyone."""
    found = await services_of(request).uploads.look(caller_of(request), _id_of(request))
    if isinstance(found, Receipt):
        return web.Response(status=303, headers={"Location": file_url(request, found.path)})
    told = {"id": found.id, "path": found.path, "size": found.size, "offset": found.offset}
    return web.json_response(told, headers=answers.description(request, found))


async def _patch(request: web.Request) -> web.Response:
    """204 with the new offset, which is durable."""
    check_type(request)
    offset = number_of(request, "Upload-Offset")
    if offset is None:
        raise BadRequest("Send Upload-Offset: where the bytes belong, as HEAD tells it.")
    length = number_of(request, "Upload-Length")
    upload_id, patience = _id_of(request), request.app[PATIENCE]
    patience.check(upload_id)
    body = pieces.body_of(request)
    writer = await services_of(request).uploads.go_on(caller_of(request), upload_id, body.stop)
    if isinstance(writer, Receipt):
        return _already(request, writer, offset)
    with patience.watching(writer):
        await _prepare(request, writer, offset, length)
        found = await pieces.receive(request, writer, body)
    return web.Response(status=204, headers=answers.told(request, found))


async def _prepare(request: web.Request, writer: Writer, offset: int, length: int | None) -> None:
    """Refuse what does not fit, and hear how long it will be."""
    try:
        if offset != writer.offset:
            raise Conflict(f"The upload stands at {writer.offset}, not {offset}: go on from there.")
        if length is not None:
            await writer.announce(length)
    except BaseException:
        services_of(request).uploads.park(writer)
        raise


def _already(request: web.Request, receipt: Receipt, offset: int) -> web.Response:
    """The answer to the last piece was lost: the file is there, and nothing more is taken."""
    if is_final(Note.of(receipt.note).concat):
        raise Forbidden("A file that was joined from pieces takes no bytes by itself.")
    if offset != receipt.size or request.content_length:
        raise Conflict(f"The upload is complete, with {receipt.size} bytes.")
    return web.Response(status=204, headers=answers.outcome(request, receipt))


async def _delete(request: web.Request) -> web.Response:
    await services_of(request).uploads.abort(caller_of(request), _id_of(request))
    return web.Response(status=204)


METHODS: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {
    "DELETE": _delete,
    "HEAD": _head,
    "PATCH": _patch,
}
