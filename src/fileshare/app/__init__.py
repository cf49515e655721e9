"""The service as a whole: starts everything in order, stops it in the opposite one.

The only ring that picks concrete stores. Start: the folder and its lock, logs,
database and blobs, services with recovery, then both doors. Whatever fails on the
way undoes what had been started, and ends in one sentence.
"""

import logging
from contextlib import AsyncExitStack
from pathlib import Path
from typing import IO

from fileshare import __version__
from fileshare.admin.server import AdminServer
from fileshare.app.descriptors import places, raise_descriptor_limit
from fileshare.app.doors import Doors
from fileshare.app.services import Services, make_desk, make_services, running
from fileshare.app.stores import Stores, locked_folder, opened
from fileshare.config import Config
from fileshare.errors import StorageFailed
from fileshare.logs import Logs
from fileshare.web.health import Health

__all__ = ["App"]

_log = logging.getLogger("fileshare.server")

AT_THE_DOORS = 0.8
"""Of the seconds to stop in, what the doors may take; the stores are closed in the rest."""


class App:
    """One running service. `start`, then `stop`, once each."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._logs = Logs(
            config.data_dir / "logs", level=config.log_level, size=config.log_file_size, keep=config.log_files
        )
        self._stack = AsyncExitStack()
        self._doors: Doors | None = None
        self._draining = False
        self.warnings: list[str] = []
        """What whoever started this should know, a sentence each."""

    @property
    def data_dir(self) -> Path:
        """The data folder, in full."""
        return self._config.data_dir.absolute()

    @property
    def urls(self) -> list[str]:
        """Where the doors are: `tcp://HOST:PORT` and `http://HOST:PORT`, empty until `start` has returned."""
        return self._doors.urls if self._doors is not None else []

    def show_log_on(self, console: IO[str]) -> None:
        """From now on show on `console` what is logged, too."""
        self._logs.show_on(console)

    async def start(self) -> None:
        """Start everything; both doors accept on return.

        Raises FileshareError with one sentence: a locked or newer data folder, a taken
        port, unusable TLS files. Nothing is left running then.
        """
        async with AsyncExitStack() as stack:
            folder = stack.enter_context(locked_folder(self._config.data_dir))
            self._logs.start()
            stack.callback(self._logs.stop)
            limit = raise_descriptor_limit()
            _log.info("fileshare %s starts on %s", __version__, self.data_dir)
            room = places(limit)
            _log.info("%d descriptors: %d connections, or %d that move files", limit, room, room // 2)
            stores = await stack.enter_async_context(opened(folder))
            services = make_services(self._config, stores)
            await stack.enter_async_context(running(self._config, services))
            await self._open_admin_socket(stack, services)
            self._doors = await self._open_doors(stack, stores, services)
            self._stack = stack.pop_all()
        self.warnings = await self._find_warnings(services)
        for warning in self.warnings:
            _log.warning("%s", warning)

    async def stop(self, seconds: float) -> None:
        """Drain both doors, then stop everything, all within `seconds`; every transfer stays resumable."""
        self._draining = True
        if self._doors is not None:
            _log.info("draining")
            await self._doors.drain(seconds * AT_THE_DOORS)
            _log.info("stopped")
        await self._stack.aclose()

    async def _open_doors(self, stack: AsyncExitStack, stores: Stores, services: Services) -> Doors:
        doors = Doors(self._config, services, lambda: self._health(stores))
        # For a start that fails half-way; after `stop` there is nothing left to drain.
        stack.push_async_callback(doors.drain, 0)
        await doors.open()
        _log.info("open: %s", ", ".join(doors.urls))
        return doors

    async def _open_admin_socket(self, stack: AsyncExitStack, services: Services) -> None:
        admin = AdminServer(self._config.data_dir, make_desk(services))
        stack.push_async_callback(admin.stop)
        try:
            await admin.start()
        except OSError as error:
            raise StorageFailed(f"No socket can be made in {self.data_dir}: {error.strerror}.") from None

    def _health(self, stores: Stores) -> Health:
        if self._draining:
            return Health.DRAINING
        return Health.OK if stores.database.writable else Health.READ_ONLY

    async def _find_warnings(self, services: Services) -> list[str]:
        found = []
        if await services.accounts.default_password_in_use():
            found.append(
                "The password of admin is still admin123 and works from this machine only: "
                "change it with `fileshare user passwd admin`, or set FILESHARE_ADMIN_PASSWORD."
            )
        open_to_others = self._doors is not None and self._doors.open_to_others
        if open_to_others and self._config.tls_cert is None:
            found.append(
                "Other machines reach this service without TLS, so passwords and files cross the network "
                "in the clear: set tls_cert, or host and web_host to 127.0.0.1."
            )
        if open_to_others and not self._config.require_auth:
            found.append("require_auth is off: whoever reaches a door may do what a user may.")
        return found
