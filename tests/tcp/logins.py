"""Accounts for a door under test: real services on stores in memory, with a cheap password hash."""

from collections.abc import Mapping

from fileshare.domain.model import Role
from fileshare.services.accounts import Accounts
from fileshare.services.limiter import Limiter
from fileshare.services.passwords import Passwords
from fileshare.storage.memory_accounts import MemoryAccounts
from tests.services.workshop import World


async def accounts_of(world: World, names: Mapping[str, Role], password: str) -> Accounts:
    store = MemoryAccounts()
    passwords = Passwords(cost=4)
    hashed = await passwords.hash_unchecked(password)
    for name, role in names.items():
        await store.add(name, role, hashed, False, world.clock())
    return Accounts(store, passwords, Limiter(store, world.clock), world.shop.audit, world.clock)
