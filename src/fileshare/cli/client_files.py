"""`list`, `info`, `versions`, `restore`, `delete`, `move`, `mkdir`: one question each, one answer.

What changes something is sent once: after a lost connection nobody can tell whether it
happened, and to do it twice may be wrong.
"""

from collections.abc import Callable

from msgspec import UNSET, UnsetType

from fileshare.cli import exits
from fileshare.cli.client_session import Session
from fileshare.client.stored import entries
from fileshare.domain import names
from fileshare.errors import BadName, FileshareError
from fileshare.wire import messages as m


def _size_in_full(size: int) -> str:
    """The size in words, and to the byte where the words round."""
    from fileshare.cli.reporting import in_words

    words = in_words(size)
    return words if words.endswith("bytes") else f"{words} ({size} bytes)"


def folder_path(text: str) -> str:
    """A path on the server as people type it: a slash at either end does no harm. Raises BadName."""
    return names.parse_folder(text.strip("/"))


def file_path(text: str) -> str:
    """The path of something that is not the root. Raises BadName."""
    return names.parse_path(text.strip("/"))


def list_entries(session: Session) -> int:
    """A folder's entries, or the one file."""
    path, line = folder_path(session.args.path), session.lines.first
    if path:
        entry = line.ask(m.Stat(path=path), m.EntryInfo)
        if entry.kind != "folder":
            session.printer.entry(entry)
            return exits.DONE
    for found in entries(line, path, recursive=session.args.recursive):
        if isinstance(found, BadName):
            session.printer.failed(path, found)
        else:
            session.printer.entry(found)
    return exits.DONE


def info(session: Session) -> int:
    """Everything that is known of one file or folder."""
    entry = session.lines.first.ask(m.Stat(path=file_path(session.args.path)), m.EntryInfo)
    session.printer.event("file", **_fields(entry))
    for label, value in _described(entry).items():
        session.printer.say(f"{label + ':':10} {value}")
    return exits.DONE


def _fields(entry: m.EntryInfo) -> dict[str, object]:
    from fileshare.cli.events import entry_fields  # as below, the first byte does not wait for it

    return entry_fields(entry)


def _described(entry: m.EntryInfo) -> dict[str, object]:
    from fileshare.cli.reporting import moment

    size = "" if isinstance(entry.size, UnsetType) else _size_in_full(entry.size)
    described = {
        "Path": entry.path,
        "Kind": entry.kind,
        "Size": size,
        "Modified": moment(entry.modified),
        "SHA-256": entry.digest,
        "Version": entry.version,
        "Owner": entry.owner,
    }
    return {label: value for label, value in described.items() if value is not UNSET and value != ""}


def versions(session: Session) -> int:
    """The versions of a file, the newest first."""
    from fileshare.cli.reporting import in_words, moment

    reply = session.lines.first.ask(m.Versions(path=file_path(session.args.path)), m.VersionList)
    for one in reply.versions:
        session.printer.say(
            f"{one.version:5}  {in_words(one.size):>12}  {moment(one.created)}  {one.digest}  {one.owner}"
        )
        session.printer.event(
            "version",
            path=reply.path,
            version=one.version,
            size=one.size,
            sha256=one.digest,
            modified=one.modified,
            created=one.created,
            owner=one.owner,
        )
    return exits.DONE


def restore(session: Session) -> int:
    """An old version becomes the current one, or a path comes out of the trash."""
    number = session.args.number
    request = m.Restore(path=file_path(session.args.path), version=UNSET if number is None else number)
    entry = session.lines.first.conversation().ask(request, m.EntryInfo)
    version = "" if entry.version is UNSET else f" as version {entry.version}"
    _told(session, entry, f"Restored {entry.path}{version}.")
    return exits.DONE


def delete(session: Session) -> int:
    """Into the trash, or for good."""
    forever = session.args.forever
    done = "Deleted {} for good." if forever else "Moved {} to the trash."

    def one(path: str) -> None:
        session.lines.first.conversation().ask(m.Delete(path=path, forever=forever), m.Done)
        session.printer.say(done.format(path))
        session.printer.event("deleted", path=path, forever=forever)

    return _each(session, session.args.path, one)


def move(session: Session) -> int:
    """Another path for a file or folder; into a folder where the new path ends in a slash."""
    path, to = file_path(session.args.path), session.args.to
    target = names.join(folder_path(to), names.name_of(path)) if to.endswith("/") else file_path(to)
    entry = session.lines.first.conversation().ask(m.Move(path=path, to=target), m.EntryInfo)
    _told(session, entry, f"Moved {path} to {entry.path}.")
    return exits.DONE


def make_folders(session: Session) -> int:
    """Folders, with their missing parents."""

    def one(path: str) -> None:
        entry = session.lines.first.ask(m.MakeFolder(path=path), m.EntryInfo)
        _told(session, entry, f"Made {entry.path}/.")

    return _each(session, session.args.path, one)


def _told(session: Session, entry: m.EntryInfo, text: str) -> None:
    session.printer.say(text)
    session.printer.event("file", **_fields(entry))


def _each(session: Session, texts: list[str], one: Callable[[str], None]) -> int:
    """Do it for each path. Of several, one that fails does not keep the others from it."""
    if len(texts) == 1:
        one(file_path(texts[0]))
        return exits.DONE
    errors: list[FileshareError] = []
    for text in texts:
        try:
            one(file_path(text))
        except FileshareError as error:
            session.printer.failed(text, error)
            errors.append(error)
    return exits.exit_of_all(errors, len(texts) - len(errors))
