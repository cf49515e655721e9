"""How a command that moves files ends: its sums, its exit number, and how to go on."""

import shlex

from fileshare.cli import exits
from fileshare.cli.client_session import Session
from fileshare.client.tally import Tally


def ended(session: Session, tally: Tally) -> int:
    """Tell the sums; returns the exit number."""
    summary = tally.summary()
    session.reporter.summary(summary)
    if not tally.errors:
        session.how_to_go_on = ""
    return exits.exit_of_all(tally.errors, summary.files)


def how_to_resume(session: Session, paths: list[str]) -> str:
    """The command that goes on with these paths."""
    chosen = [
        f"--{name} {getattr(session.args, name)}" for name in ("host", "port") if getattr(session.args, name)
    ]
    what = [shlex.quote(paths[0])] if len(paths) == 1 else []
    return " ".join(["fileshare-client", *chosen, "resume", *what])
