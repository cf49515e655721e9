"""`fileshare-client`: parse, run one command, and turn how it ended into an exit number.

Imports no more than the command at hand needs, and that only once Ctrl-C is looked
after: the first byte goes to the server within 80 ms of the start, and nothing that goes
wrong at any time ends in a traceback.
"""

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from fileshare.cli import exits


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit number."""
    signal.signal(signal.SIGINT, _interrupted)
    try:
        return _run(list(sys.argv[1:] if arguments is None else arguments))
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return exits.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; nothing is left to be told, and nobody to hear it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.OTHER
    finally:
        if signal.getsignal(signal.SIGINT) is _interrupted_again:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the interpreter's own end is not to be cut short


def _run(words: list[str]) -> int:
    from fileshare.cli.client_parser import parser_for
    from fileshare.cli.client_session import Session, local_failure
    from fileshare.errors import FileshareError

    if "_ARGCOMPLETE" in os.environ:
        from fileshare.cli.completion import complete

        complete(parser_for([]))
    args = parser_for(words).parse_args(words)
    try:
        session = Session(args)
    except (FileshareError, OSError) as error:
        failure = error if isinstance(error, FileshareError) else local_failure(error)
        print(f"fileshare-client: {failure.message}", file=sys.stderr)
        return exits.exit_of(failure)
    try:
        return session.run()
    except KeyboardInterrupt:
        session.printer.interrupted(session.how_to_go_on)
        return exits.INTERRUPTED
    except BrokenPipeError:
        raise
    except (FileshareError, OSError) as error:
        failure = error if isinstance(error, FileshareError) else local_failure(error)
        session.failed(failure)
        return exits.exit_of(failure)
    finally:
        session.close()


def _interrupted(_signal: int, _frame: FrameType | None) -> None:
    """The first Ctrl-C ends the command in order; a second one ends it at once."""
    signal.signal(signal.SIGINT, _interrupted_again)
    raise KeyboardInterrupt


def _interrupted_again(_signal: int, _frame: FrameType | None) -> NoReturn:
    os._exit(exits.INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
