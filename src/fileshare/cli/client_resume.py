"""`resume`: everything that is half done, or one source, or an upload that was begun elsewhere."""

import os

from fileshare.cli import exits
from fileshare.cli.client_endings import ended, how_to_resume
from fileshare.cli.client_files import folder_path
from fileshare.cli.client_session import Session
from fileshare.client.download_jobs import root_entry
from fileshare.client.download_run import DownloadRun
from fileshare.client.elsewhere import go_on_elsewhere
from fileshare.client.state import DownloadJob, Job, UploadJob, UploadSource
from fileshare.client.tally import Tally, hopeless
from fileshare.client.upload_jobs import Work, source_of
from fileshare.client.upload_run import UploadRun
from fileshare.errors import FileshareError, NotFound


def resume(session: Session) -> int:
    """Go on with what the state folder knows; without it, ask the server."""
    session.lines.first.conversation()
    source, account = session.args.source, session.account()
    jobs = [job for job in session.state.jobs(session.server.name) if job.account == account]
    chosen = [job for job in jobs if source is None or _is_about(job, source)]
    if session.args.forget:
        return _forget(session, chosen)
    if session.args.dry_run:
        return _list(session, chosen)
    if not chosen:
        return _nothing_known(session)
    session.how_to_go_on = how_to_resume(session, [] if source is None else [source])
    numbers = [_go_on(session, job) for job in chosen]
    return max(numbers) if len(set(numbers)) == 1 else exits.SOME_FAILED


def _is_about(job: Job, source: str) -> bool:
    if isinstance(job, UploadJob):
        return bool(_sources(job, source))
    return source.strip("/") in job.paths or os.path.abspath(source) == job.output or _is_target(job, source)


def _is_target(job: DownloadJob, source: str) -> bool:
    """Whether a local path is where one of the job's paths goes."""
    targets = {os.path.join(job.output, os.path.basename(path)) for path in job.paths if job.into_folder}
    return os.path.abspath(source) in targets


def _sources(job: UploadJob, source: str | None) -> list[UploadSource]:
    if source is None:
        return list(job.sources)
    names = (os.path.abspath(source), source.strip("/"))
    return [one for one in job.sources if one.path == names[0] or one.target == names[1]]


def _go_on(session: Session, job: Job) -> int:
    tally = Tally("upload" if isinstance(job, UploadJob) else "download", session.reporter)
    try:
        if isinstance(job, UploadJob):
            work = Work(session.state, job, _sources(job, session.args.source), resumed=True)
            UploadRun([work], session.lines, session.rate(), tally, session.digests).run(
                session.settings.jobs
            )
        else:
            _go_on_download(session, job, tally)
    except FileshareError as error:
        if hopeless(error):
            raise
        tally.failed(_what(job), error)
    return ended(session, tally)


def _go_on_download(session: Session, job: DownloadJob, tally: Tally) -> None:
    roots = [root_entry(session.lines.first, path, job.version) for path in job.paths]
    run = DownloadRun(
        job, roots, session.lines, rate=session.rate(), tally=tally, state=session.state, resume=True
    )
    run.run(session.settings.jobs)


def _what(job: Job) -> str:
    if isinstance(job, UploadJob):
        return ", ".join(source.path for source in job.sources)
    return ", ".join(path or "/" for path in job.paths)


def _list(session: Session, jobs: list[Job]) -> int:
    for job in jobs:
        kind = "upload" if isinstance(job, UploadJob) else "download"
        session.printer.say(f"{kind} of {_what(job)}")
        session.printer.event("would", direction=kind, path=_what(job))
    if not jobs:
        session.printer.say("Nothing is half done.")
    return exits.DONE


def _forget(session: Session, jobs: list[Job]) -> int:
    if not jobs and session.args.source is not None:
        raise NotFound(f"Nothing is half done of {session.args.source!r}.")
    for job in jobs:
        session.state.drop_job(job)
        session.printer.say(f"Forgot {_what(job)}.")
    return exits.DONE


def _nothing_known(session: Session) -> int:
    """Nothing on this machine: perhaps the upload was begun in another place."""
    args = session.args
    if args.source is None:
        session.printer.say("Nothing is half done.")
        return exits.DONE
    if not os.path.isfile(args.source):
        raise NotFound(f"Nothing is half done of {args.source!r}.")
    tally = Tally("upload", session.reporter)
    source = source_of(args.source, folder_path(args.to), None)
    item, outcome = go_on_elsewhere(session.lines.first, session.rate(), session.reporter, source)
    tally.done(item, outcome)
    return ended(session, tally)
