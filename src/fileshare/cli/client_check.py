"""`check`: is what lies here the same as what the server has? Compares digests, moves no bytes."""

import os

from fileshare.cli import exits
from fileshare.cli.client_files import file_path, folder_path
from fileshare.cli.client_session import Session
from fileshare.client.folders import FoundFile, LeftOut, walk
from fileshare.client.local import remote_name
from fileshare.client.reports import Item
from fileshare.client.sources import digest_of_file
from fileshare.client.stored import StoredFolders
from fileshare.domain import names
from fileshare.errors import FileshareError, IntegrityError, NotFound
from fileshare.wire import messages as m


def check(session: Session) -> int:
    """Compare a file with a file, or every file of a folder with the one at its place on the server."""
    source = session.args.source
    if not os.path.exists(source):
        raise NotFound(f"There is no file or folder {source!r}.")
    if os.path.isdir(source):
        return _check_folder(session, source)
    stored = session.lines.first.ask(m.Stat(path=file_path(session.args.path)), m.EntryInfo)
    if stored.kind == "folder":
        path = names.join(stored.path, remote_name(os.path.basename(os.path.abspath(source))))
        stored = session.lines.first.ask(m.Stat(path=path), m.EntryInfo)
    _compare(session, source, stored)
    return exits.DONE


def _check_folder(session: Session, source: str) -> int:
    top = folder_path(session.args.path)
    folders = StoredFolders(session.lines.first)
    errors: list[FileshareError] = []
    same = 0
    for found in walk(source):
        if isinstance(found, LeftOut):
            session.printer.note(f"{found.path} {found.reason}: left out")
        if not isinstance(found, FoundFile):
            continue
        try:
            path = names.join(top, remote_name(found.relative))
            stored = folders.file(path)
            if stored is None:
                raise NotFound(f"{path!r} is not on the server.")
            _compare(session, found.path, stored)
            same += 1
        except FileshareError as error:
            session.printer.failed(found.path, error)
            errors.append(error)
    session.printer.say(f"{same} the same, {len(errors)} not")
    return exits.exit_of_all(errors, same)


def _compare(session: Session, local: str, stored: m.EntryInfo) -> None:
    """Raises IntegrityError where they differ."""
    size = os.path.getsize(local)
    item = Item(direction="upload", path=stored.path, local=local, size=size)
    digest = digest_of_file(local, lambda count: session.printer.hashed(item, count, size))
    same = digest == str(stored.digest).lower()
    session.printer.event(
        "check", path=stored.path, local=local, same=same, sha256=digest, stored_sha256=str(stored.digest)
    )
    if not same:
        raise IntegrityError(f"{local!r} differs from {stored.path!r} on the server.")
    session.printer.say(f"{local} is the same as {stored.path}")
