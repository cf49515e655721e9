"""The commands of protocol version 2 that move no bodies: one short coroutine each, one service call."""

from msgspec import UNSET

from fileshare import __version__
from fileshare.domain.model import Door
from fileshare.errors import BadRequest, TooMany
from fileshare.services.ports import Listing, Page
from fileshare.tcp import answers
from fileshare.tcp.session import Session
from fileshare.wire import messages as m
from fileshare.wire.connection import SEGMENT_LIMIT, VERSION

FEATURES = ["tokens", "segments", "put", "get", "have", "ranges", "versions", "trash", "append"]
"""What a client may rely on; a later server adds names and takes none away."""


async def hello(session: Session, _: m.Hello) -> None:
    """HELLO: from here on version 2."""
    limits = session.services.limits
    session.reply(
        m.Welcome(
            version=VERSION,
            server=f"fileshare/{__version__}",
            features=FEATURES,
            limits=m.Limits(
                frame=limits.frames.after_auth,
                segment=SEGMENT_LIMIT,
                put_size=limits.small_size,
                window_uploads=limits.window_uploads,
                window_bytes=limits.window_bytes,
                max_file_size=limits.max_file_size,
            ),
            authenticated=session.known_caller is not None,
        )
    )


async def login(session: Session, request: m.Login) -> None:
    """AUTH: by token, or by name and password for a new token."""
    if request.token:
        await _login_by_token(session, request.token)
        return
    if not request.username:
        raise BadRequest("AUTH needs a token, or a username and a password.")
    accounts, address = session.services.accounts, session.stream.address
    session.logged_out()
    account = await accounts.log_in(request.username, request.password, address=address, door=Door.TCP)
    token, issued = await accounts.issue_token(account, name=request.name, address=address)
    session.logged_in(account, issued.id)
    session.reply(
        m.AuthSuccess(
            role=account.role.value,
            account=account.name,
            token=token,
            expires_at=answers.seconds(issued.expires),
            default_password=account.default_password,
        )
    )


async def _login_by_token(session: Session, token: str) -> None:
    session.logged_out()
    held, account = await session.services.accounts.authenticate(
        token, address=session.stream.address, door=Door.TCP
    )
    session.logged_in(account, held.id)
    session.reply(
        m.AuthSuccess(
            role=account.role.value,
            account=account.name,
            expires_at=answers.seconds(held.expires),
            default_password=account.default_password,
        )
    )


async def logout(session: Session, _: m.Logout) -> None:
    """LOGOUT: end the token of this connection."""
    caller = session.caller
    session.logged_out()  # first, since the end of a token cuts the connections that act by it
    await session.services.accounts.log_out(caller)
    session.reply(m.Done())


async def who_am_i(session: Session, _: m.WhoAmI) -> None:
    """WHOAMI."""
    account = session.caller.account
    session.reply(m.Identity(account=account.name, role=account.role.value))


async def list_page(session: Session, request: m.List) -> None:
    """LIST: a page of a folder, or of everything below it."""
    async with session.listing():
        await _send_page(session, request)


async def _send_page(session: Session, request: m.List) -> None:
    limit = request.limit
    while True:
        page = await _page(session, request, limit)
        entries = [answers.entry_info(entry) for entry in page.entries]
        try:
            session.reply(m.EntryPage(entries=entries, next=page.next))
        except TooMany:
            if limit == 1:
                raise
            limit //= 2  # long paths: fewer of them fill the page
        else:
            return


async def _page(session: Session, request: m.List, limit: int) -> Page:
    files, cursor = session.services.files, request.cursor or None
    if request.recursive:
        return await files.walk(session.caller, request.path, limit, cursor)
    return await files.listing(session.caller, Listing(request.path, limit, cursor))


async def stat(session: Session, request: m.Stat) -> None:
    """STAT: a file or folder, or one version of a file."""
    files = session.services.files
    if request.version is UNSET:
        session.reply(answers.entry_info(await files.entry(session.caller, request.path)))
        return
    version = await files.version(session.caller, request.path, request.version)
    session.reply(answers.version_as_entry(request.path, version))


async def versions(session: Session, request: m.Versions) -> None:
    """VERSIONS of a file."""
    found = await session.services.files.versions(session.caller, request.path)
    session.reply(m.VersionList(path=request.path, versions=[answers.version_info(one) for one in found]))


async def restore(session: Session, request: m.Restore) -> None:
    """RESTORE an old version, or a path from the trash."""
    files = session.services.files
    if request.version is UNSET:
        entry = await files.restore_path(session.caller, request.path)
    else:
        entry = await files.restore_version(session.caller, request.path, request.version)
    session.reply(answers.entry_info(entry))


async def delete(session: Session, request: m.Delete) -> None:
    """DELETE to the trash, or for good."""
    files = session.services.files
    if request.forever:
        await files.delete_forever(session.caller, request.path)
    else:
        await files.delete(session.caller, request.path)
    session.reply(m.Done())


async def move(session: Session, request: m.Move) -> None:
    """MOVE a file or folder."""
    entry = await session.services.files.move(session.caller, request.path, request.to)
    session.reply(answers.entry_info(entry))


async def make_folder(session: Session, request: m.MakeFolder) -> None:
    """MKDIR, with missing parents."""
    folder = await session.services.files.make_folder(session.caller, request.path)
    session.reply(answers.entry_info(folder))


async def uploads(session: Session, _: m.Uploads) -> None:
    """UPLOADS: the caller's half-done ones."""
    service = session.services.uploads
    found = await service.list(session.caller)
    session.reply(m.UploadList(uploads=[answers.upload_info(one, service.expires_at(one)) for one in found]))


async def receipts(session: Session, request: m.Receipts) -> None:
    """RECEIPTS: which of the caller's uploads are stored."""
    found = await session.services.whole_files.receipts(session.caller, request.upload_ids)
    session.reply(
        m.ReceiptList(results=[answers.put_result(one.client_id or one.upload_id, one) for one in found])
    )


async def abort(session: Session, request: m.Abort) -> None:
    """ABORT an upload, its bytes included."""
    await session.services.uploads.abort(session.caller, request.upload_id)
    session.reply(m.Done())
