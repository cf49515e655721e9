"""`fileshare serve`: run the service until it is told to stop."""

import asyncio
import gc
import math
import signal
import sys
from argparse import Namespace
from contextlib import suppress
from typing import TYPE_CHECKING

from fileshare import __version__
from fileshare.cli.commands import Command, config_from
from fileshare.config import SETTINGS, Config

if TYPE_CHECKING:
    from fileshare.app import App

SIGNALS = (signal.SIGTERM, signal.SIGINT)
PATIENCE_SECONDS = 3.0
"""After these a start that has much to recover shows its log, so that nobody thinks that it hangs."""
SAME_SIGNAL_SECONDS = 1.0
"""A second signal within these is the first one again: timeout(1) signals a process and then its group."""


def _serve(args: Namespace) -> int:
    return asyncio.run(_serve_until_told(config_from(args)))


async def _serve_until_told(config: Config) -> int:
    from fileshare.app import App

    told = _told_to_stop()
    app = App(config)
    loop = asyncio.get_running_loop()
    patience = loop.call_later(PATIENCE_SECONDS, app.show_log_on, sys.stderr)
    await app.start()
    try:
        show_banner(app)
        if loop.time() < patience.when():
            patience.cancel()
            app.show_log_on(sys.stderr)
        stay_for_good()
        await told.wait()
    finally:
        await app.stop(config.drain_seconds)
    return 0


def stay_for_good() -> None:
    """What is in memory stays there: a collection looked through all of it, and everybody waited 40 ms."""
    gc.collect()
    gc.freeze()


def _told_to_stop() -> asyncio.Event:
    """Set by the first signal; a later one ends the process at once, which costs no acknowledged byte."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    impatient_from = math.inf

    def tell(number: signal.Signals) -> None:
        nonlocal impatient_from
        if not told.is_set():
            told.set()
            impatient_from = loop.time() + SAME_SIGNAL_SECONDS
        elif loop.time() >= impatient_from:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    for number in SIGNALS:
        loop.add_signal_handler(number, tell, number)
    return told


def show_banner(app: "App") -> None:
    """Say where both doors are: one plain line each, or a panel on a terminal."""
    # Whoever started us may have closed our output; that is no reason to stop.
    with suppress(OSError):
        if sys.stdout.isatty():
            _show_panel(app)
            return
        notes = [f"warning: {warning}" for warning in app.warnings]
        print(
            f"fileshare {__version__}",
            *app.urls,
            f"data folder: {app.data_dir}",
            *notes,
            sep="\n",
            flush=True,
        )


def _show_panel(app: "App") -> None:
    from rich.console import Console, Group
    from rich.panel import Panel
    from rich.text import Text

    lines = [Text(address, style="bold") for address in app.urls]
    lines += [Text(f"data folder: {app.data_dir}"), Text("Ctrl-C drains and stops.", style="dim")]
    lines += [Text(f"⚠ {warning}", style="yellow") for warning in app.warnings]
    Console().print(Panel(Group(*lines), title=f"fileshare {__version__}", title_align="left", expand=False))


SERVE = Command("serve", "Run the service: the TCP door and the web door.", _serve, settings=tuple(SETTINGS))
