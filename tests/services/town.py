"""Accounts on a store in memory, with cheap hashes and a clock that passes when told."""

from collections.abc import Sequence
from typing import Final

from fileshare.domain.model import Account, Caller, Door, Event, Role
from fileshare.services.accounts import Accounts
from fileshare.services.audit import Audit
from fileshare.services.limiter import Limiter
from fileshare.services.passwords import Passwords
from fileshare.storage.memory_accounts import MemoryAccounts
from tests.services.shelf import Clock

PASSWORD: Final = "correct horse"
HOME: Final = "127.0.0.1"
OFFICE: Final = "192.0.2.10"
ELSEWHERE: Final = "203.0.113.99"


class Town:
    """A store, and one process of services on it; `restart` ends it and starts the next."""

    def __init__(self, *, default_password_allowed: bool = True) -> None:
        self.clock = Clock()
        self.store = MemoryAccounts()
        self.ended: list[tuple[int, int | None]] = []
        self._default_password_allowed = default_password_allowed
        self._build()

    def _build(self) -> None:
        self.passwords = Passwords(cost=4)
        self.limiter = Limiter(self.store, self.clock, delay=0)
        self.audit = Audit(self.store, self.clock, delay=0)
        self.accounts = Accounts(
            self.store,
            self.passwords,
            self.limiter,
            self.audit,
            self.clock,
            default_password_allowed=self._default_password_allowed,
        )
        self.accounts.on_ended(lambda account_id, session_id: self.ended.append((account_id, session_id)))

    async def open(self) -> None:
        await self.accounts.start()
        await self.audit.start()

    async def close(self) -> None:
        await self.accounts.stop()
        await self.audit.stop()

    async def restart(self) -> None:
        await self.close()
        self._build()
        await self.open()

    async def settle(self, name: str, role: Role = Role.USER, password: str = PASSWORD) -> Account:
        """A new account, made without an admin."""
        hashed = await self.passwords.hash_unchecked(password)
        return await self.store.add(name, role, hashed, password == "admin123", self.clock())

    async def log_in(self, name: str, password: str = PASSWORD, address: str = OFFICE) -> Account:
        return await self.accounts.log_in(name, password, address=address, door=Door.TCP)

    async def token(self, name: str, address: str = OFFICE) -> str:
        account = await self.log_in(name, address=address)
        secret, _ = await self.accounts.issue_token(account, name="laptop", address=address)
        return secret

    async def recognises(self, secret: str, address: str = OFFICE) -> Account:
        _, account = await self.accounts.authenticate(secret, address=address, door=Door.TCP)
        return account

    async def events(self) -> Sequence[Event]:
        await self.audit.flush()
        return await self.store.events(1000)

    async def last_event(self) -> tuple[str, str, str, str]:
        event = (await self.events())[0]
        return event.account, event.action, event.outcome, event.detail


def caller(account: Account, address: str = OFFICE, session_id: int | None = None) -> Caller:
    return Caller(account, address, Door.TCP, "c1", session_id)
