"""Shell completion of `fileshare-client`, paths on the server included.

argcomplete is imported only here, when a shell asks. A server that does not answer soon
completes nothing, and says nothing: the line that the user is typing must not suffer.
"""

from argparse import ArgumentParser, Namespace

from fileshare.cli import exits
from fileshare.cli.client_session import Session
from fileshare.errors import FileshareError
from fileshare.wire import messages as m

_SECONDS = 2.0
"""Longer than that nobody waits for a Tab."""


def script(session: Session) -> int:
    """Print what the shell has to read at its start."""
    from argcomplete.shell_integration import shellcode

    print(shellcode(["fileshare-client"], shell=session.args.shell))
    return exits.DONE


def complete(parser: ArgumentParser) -> None:
    """Answer the shell, and end the process."""
    import argcomplete

    argcomplete.autocomplete(parser, always_complete_options=False)


def remote_paths(prefix: str, parsed_args: Namespace) -> list[str]:
    """What on the server begins with `prefix`; folders end in a slash, so that one can go on typing."""
    folder = prefix.rpartition("/")[0]
    try:
        session = Session(parsed_args)
    except FileshareError:
        return []
    try:
        conversation = session.lines.first.conversation()
        conversation.hurry(_SECONDS)
        page = conversation.ask(m.List(path=folder), m.EntryPage)
    except FileshareError:
        return []
    finally:
        session.close()
    found = [entry.path + ("/" if entry.kind == "folder" else "") for entry in page.entries]
    return [path for path in found if path.startswith(prefix) and path.isprintable()]
