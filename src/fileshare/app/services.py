"""The services, put together from a config and the stores, with the loops that run beside the doors."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fileshare.admin.desk import Desk
from fileshare.app.stores import Stores
from fileshare.config import Config
from fileshare.errors import FileshareError
from fileshare.services.accounts import Accounts
from fileshare.services.appending import Appending
from fileshare.services.audit import Audit
from fileshare.services.batches import Committer
from fileshare.services.concatenation import Concatenation
from fileshare.services.files import Files
from fileshare.services.limiter import Limiter
from fileshare.services.locks import DigestLocks, UploadLocks
from fileshare.services.logbook import Logbook
from fileshare.services.measures import Measures
from fileshare.services.passwords import Passwords
from fileshare.services.recovery import recover
from fileshare.services.sessions import Lifetimes
from fileshare.services.space import Space
from fileshare.services.sweeper import Retention, Sweeper
from fileshare.services.transfers import Transfers
from fileshare.services.uploads import Uploads
from fileshare.services.whole_files import WholeFiles
from fileshare.services.workshop import Workshop
from fileshare.storage.log_files import LogFiles

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000

_log = logging.getLogger("fileshare.server")


def now() -> int:
    """Milliseconds since 1970, the clock of every service."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Services:
    """What doors and commands call."""

    accounts: Accounts
    audit: Audit
    files: Files
    uploads: Uploads
    concatenation: Concatenation
    appending: Appending
    whole_files: WholeFiles
    sweeper: Sweeper
    workshop: Workshop
    logbook: Logbook
    measures: Measures


def make_services(config: Config, stores: Stores) -> Services:
    """All of them, not started."""
    digest_locks = DigestLocks()
    audit = Audit(stores.accounts, now)
    accounts = _accounts(config, stores, audit)
    sweeper = Sweeper(
        stores.catalog,
        stores.blobs,
        stores.accounts,
        expire_sessions=accounts.expire_sessions,
        digest_locks=digest_locks,
        reserve=stores.reserve,
        clock=now,
        retention=_retention(config),
        seconds=config.sweep_seconds,
    )
    workshop = _workshop(config, stores, audit, digest_locks)
    audit.on_noted(workshop.meters.note)
    files = Files(
        stores.catalog,
        stores.blobs,
        audit,
        clock=now,
        reserve=stores.reserve,
        nudge=sweeper.nudge,
        meters=workshop.meters,
        transfers=workshop.transfers,
    )
    uploads = Uploads(workshop, config.upload_days)
    return Services(
        accounts=accounts,
        audit=audit,
        files=files,
        uploads=uploads,
        concatenation=Concatenation(workshop, uploads),
        appending=Appending(workshop, uploads),
        whole_files=WholeFiles(workshop),
        sweeper=sweeper,
        workshop=workshop,
        logbook=Logbook(LogFiles(config.data_dir / "logs"), audit),
        measures=Measures(workshop.meters, stores.catalog, stores.blobs, stores.database.latencies),
    )


def make_desk(services: Services) -> Desk:
    """What answers administrators' commands, beside a server and without one."""
    return Desk(services.accounts, services.files, services.sweeper, services.uploads.forget_all)


def _accounts(config: Config, stores: Stores, audit: Audit) -> Accounts:
    limiter = Limiter(
        stores.accounts, now, per_account=config.login_failures, window=config.login_window_minutes * MINUTE
    )
    lifetimes = Lifetimes(
        idle=config.session_idle_hours * HOUR,
        session=config.session_days * DAY,
        token=config.token_days * DAY,
    )
    return Accounts(
        stores.accounts,
        Passwords(config.bcrypt_cost),
        limiter,
        audit,
        now,
        # Behind a proxy every request comes from this machine.
        default_password_allowed=not config.trusted_proxies and config.public_url is None,
        lifetimes=lifetimes,
    )


def _workshop(config: Config, stores: Stores, audit: Audit, digest_locks: DigestLocks) -> Workshop:
    return Workshop(
        catalog=stores.catalog,
        blobs=stores.blobs,
        locks=UploadLocks(),
        digest_locks=digest_locks,
        space=Space(stores.blobs),
        committer=Committer(stores.catalog, now),
        audit=audit,
        clock=now,
        checkpoint_bytes=config.checkpoint_bytes,
        checkpoint_seconds=config.checkpoint_seconds,
        small_size=config.small_size,
        max_file_size=config.max_file_size,
        transfers=Transfers(audit, now),
    )


def _retention(config: Config) -> Retention:
    return Retention(
        trash=config.trash_days * DAY,
        receipts=config.upload_days * DAY,
        versions=config.keep_versions,
        events=config.audit_days * DAY,
    )


@asynccontextmanager
async def running(config: Config, services: Services) -> AsyncIterator[None]:
    """Recover, then keep the services and their loops running for the length of a block."""
    async with AsyncExitStack() as stack:
        await services.audit.start()
        stack.push_async_callback(services.audit.stop)
        await services.accounts.start()
        stack.push_async_callback(services.accounts.stop)
        await recover(services.workshop)
        await services.accounts.ensure_admin(config.admin_password)
        stack.push_async_callback(services.uploads.release_all)
        await stack.enter_async_context(_loop(services.sweeper.run(), "sweeper"))
        await stack.enter_async_context(_loop(_expiring(services.uploads, config.sweep_seconds), "expiry"))
        yield


async def _expiring(uploads: Uploads, seconds: float) -> None:
    while True:
        try:
            await uploads.expire()
        except FileshareError as error:
            _log.warning("old uploads could not be swept and wait: %s", error.message)
        await asyncio.sleep(seconds)


@asynccontextmanager
async def _loop(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    """Run an endless loop beside a block. It handles what can go wrong; what it did not expect is logged."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_log_unexpected_end)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def _log_unexpected_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        _log.critical("the %s has stopped: start the server anew", task.get_name(), exc_info=task.exception())
