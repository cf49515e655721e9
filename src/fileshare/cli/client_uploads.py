"""`upload`: files, folders and standard input."""

import sys
from contextlib import suppress

from fileshare.cli import exits
from fileshare.cli.client_endings import ended, how_to_resume
from fileshare.cli.client_files import folder_path
from fileshare.cli.client_session import Session
from fileshare.cli.reporting import files_in_words
from fileshare.client.folders import FoundFile, LeftOut
from fileshare.client.pipes import PipeSource
from fileshare.client.reports import Item
from fileshare.client.state import UploadSource, new_id
from fileshare.client.tally import Tally
from fileshare.client.upload_jobs import UploadOrder, assign, rehearsal, source_of
from fileshare.client.upload_run import KEEP_BOTH, SKIP_SAME, UploadRun
from fileshare.client.uploads import Sending, Uploader
from fileshare.domain import names
from fileshare.errors import BadRequest, FileshareError
from fileshare.wire import messages as m

_FORGET_SECONDS = 5.0
"""Someone has pressed Ctrl-C and waits."""


def upload(session: Session) -> int:
    """Send what the command line names; what was interrupted goes on."""
    if "-" in session.args.sources:
        return _upload_pipe(session)
    sources = _sources(session)
    if session.args.dry_run:
        return _rehearse(session, sources)
    session.lines.first.conversation()  # the greeting is on its way while the state folder is read
    order = _order(session, session.account())
    works = assign(session.state, order, sources)
    session.how_to_go_on = how_to_resume(session, [source.path for source in sources])
    tally = Tally("upload", session.reporter)
    UploadRun(works, session.lines, session.rate(), tally, session.digests).run(session.settings.jobs)
    return ended(session, tally)


def _sources(session: Session) -> list[UploadSource]:
    args = session.args
    if args.name is not None and len(args.sources) > 1:
        raise BadRequest("--name is for a single file or folder.")
    if args.name is not None and "/" in args.name:
        raise BadRequest("--name is the name alone; the folder goes to --to.")
    folder = folder_path(args.to)
    found = {source.path: source for source in (source_of(src, folder, args.name) for src in args.sources)}
    for source in found.values():
        if source.identity is None and not args.recursive:
            raise BadRequest(f"{source.path!r} is a folder: add --recursive to upload it.")
    return list(found.values())


def _order(session: Session, account: str) -> UploadOrder:
    return UploadOrder(
        server=session.server.name,
        account=account,
        on_conflict=_on_conflict(session),
        follow_links=session.args.follow_links,
    )


def _on_conflict(session: Session) -> str:
    args = session.args
    if args.overwrite and args.on_conflict not in (None, "replace"):
        raise BadRequest(f"--overwrite and --on-conflict {args.on_conflict} contradict each other.")
    return "replace" if args.overwrite else args.on_conflict or KEEP_BOTH


def _rehearse(session: Session, sources: list[UploadSource]) -> int:
    """Say what would be sent, without asking the server."""
    errors: list[FileshareError] = []
    files = size = 0
    for planned in rehearsal(session.state, _order(session, ""), sources):
        found = planned.found
        try:
            if isinstance(found, FoundFile):
                files, size = files + 1, size + found.identity.size
                session.printer.say(f"would upload {found.path} as {planned.path}")
                session.printer.event("would", path=planned.path, local=found.path, size=found.identity.size)
            elif isinstance(found, LeftOut):
                session.printer.note(f"{found.path} {found.reason}: left out")
            elif isinstance(found, FileshareError):
                raise found
        except FileshareError as error:
            errors.append(error)
            session.printer.failed(planned.source.path, error)
    session.printer.say(f"{files_in_words(files)}, {size} bytes")
    return exits.exit_of_all(errors, files)


def _upload_pipe(session: Session) -> int:
    """Send standard input: its end is known when it comes, and it can't be read twice."""
    args = session.args
    if len(args.sources) > 1 or not args.name:
        raise BadRequest("To upload standard input give `-` alone, and a --name for it.")
    on_conflict = _on_conflict(session)
    if on_conflict == SKIP_SAME:
        raise BadRequest("--on-conflict skip-same needs a file: standard input can't be read twice.")
    path = names.parse_path(names.join(folder_path(args.to), args.name))
    item = Item(direction="upload", path=path, local="-", size=None)
    sending = Sending(item=item, upload_id=new_id(), on_conflict=on_conflict)
    if args.dry_run:
        session.printer.say(f"would upload standard input as {path}")
        session.printer.event("would", path=path, local="-")
        return exits.DONE
    source = PipeSource(sys.stdin.buffer)
    try:
        outcome = Uploader(session.lines.first, session.rate(), session.reporter).send(sending, source)
    except KeyboardInterrupt:
        _forget(session, sending)
        raise
    finally:
        source.close()
    session.reporter.done(item, outcome)
    return exits.DONE


def _forget(session: Session, sending: Sending) -> None:
    """Nobody can go on with an interrupted pipe: the server need not keep its beginning for a week."""
    line = session.lines.first
    line.drop()
    with suppress(FileshareError):
        conversation = line.conversation()
        conversation.hurry(_FORGET_SECONDS)
        conversation.ask(m.Abort(upload_id=sending.upload_id), m.Done)
