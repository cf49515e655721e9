"""`download`: files and folders, into a folder, a file, or standard output."""

import os
import sys

from fileshare.cli import exits
from fileshare.cli.client_endings import ended, how_to_resume
from fileshare.cli.client_files import folder_path
from fileshare.cli.client_session import Session
from fileshare.cli.reporting import files_in_words
from fileshare.client.download_jobs import (
    DownloadOrder,
    Unusable,
    interrupted,
    job_of,
    planned,
    root_entry,
)
from fileshare.client.download_run import DownloadRun
from fileshare.client.downloads import Fetch, StreamSink, Wanted
from fileshare.client.state import DownloadJob
from fileshare.client.tally import Tally
from fileshare.errors import BadRequest, FileshareError
from fileshare.wire import messages as m


def download(session: Session) -> int:
    """Fetch what the command line names."""
    if session.args.output == "-":
        return _print_file(session)
    session.lines.first.conversation()
    tally = Tally("download", session.reporter)
    roots = _roots(session, tally)
    if not roots:
        return ended(session, tally)
    order = _order(session, roots)
    if session.args.dry_run:
        return _rehearse(session, job_of(order), roots)
    job = _job(session, order)
    session.how_to_go_on = how_to_resume(session, list(order.paths))
    run = DownloadRun(
        job,
        roots,
        session.lines,
        rate=session.rate(),
        tally=tally,
        state=session.state,
        resume=session.args.resume,
    )
    run.run(session.settings.jobs)
    return ended(session, tally)


def _roots(session: Session, tally: Tally) -> list[m.EntryInfo]:
    """What stands at the paths. Of several, one that is missing does not keep the others from coming."""
    found = []
    for text in session.args.paths:
        try:
            entry = root_entry(session.lines.first, folder_path(text), session.args.number)
            if entry.kind == "folder" and not session.args.recursive:
                raise BadRequest(f"{text!r} is a folder: add --recursive to fetch it.")
            found.append(entry)
        except FileshareError as error:
            if len(session.args.paths) == 1:
                raise
            tally.failed(text, error)
    return found


def _order(session: Session, roots: list[m.EntryInfo]) -> DownloadOrder:
    args = session.args
    output = args.output if args.output is not None else session.settings.download_dir
    plain = args.output is not None and len(args.paths) == 1 and roots[0].kind != "folder"
    into_folder = not plain or output.endswith(("/", os.sep)) or os.path.isdir(output)
    return DownloadOrder(
        server=session.server.name,
        account=session.account(),
        paths=tuple(root.path for root in roots),
        output=os.path.abspath(os.path.expanduser(output)),
        into_folder=into_folder,
        recursive=args.recursive,
        overwrite=args.overwrite,
        version=args.number,
    )


def _job(session: Session, order: DownloadOrder) -> DownloadJob:
    """The job that was interrupted, where it is to be gone on with, or a new one in its place."""
    old = interrupted(session.state, order)
    if old is not None and session.args.resume:
        return old
    if old is not None:
        session.state.drop_job(old)
    job = job_of(order)
    session.state.save_job(job)
    return job


def _rehearse(session: Session, job: DownloadJob, roots: list[m.EntryInfo]) -> int:
    """Say what would be fetched."""
    files = size = 0
    errors = []
    for found in planned(job, roots, session.lines.first):
        if isinstance(found, Wanted):
            files, size = files + 1, size + found.size
            session.printer.say(f"would fetch {found.path} to {found.target}")
            session.printer.event("would", path=found.path, local=found.target, size=found.size)
        elif isinstance(found, Unusable):
            errors.append(found.error)
            session.printer.failed(found.path, found.error)
    session.printer.say(f"{files_in_words(files)}, {size} bytes")
    return exits.exit_of_all(errors, files)


def _print_file(session: Session) -> int:
    """One file to standard output, which holds nothing else then."""
    args = session.args
    if len(args.paths) > 1:
        raise BadRequest("Only one file can go to standard output.")
    if args.json:
        raise BadRequest("Standard output can't hold both the file and --json events.")
    line = session.lines.first
    entry = root_entry(line, folder_path(args.paths[0]), args.number)
    if entry.kind == "folder":
        raise BadRequest(f"{args.paths[0]!r} is a folder: only a file can go to standard output.")
    wanted = Wanted(
        path=entry.path,
        target="-",
        size=int(entry.size or 0),
        digest=str(entry.digest).lower(),
        modified=entry.modified,
        version=args.number,
    )
    sink = StreamSink(sys.stdout.buffer, wanted.digest)
    Fetch(line, session.rate(), session.reporter, wanted, sink).run()
    return exits.DONE
