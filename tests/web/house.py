"""The whole web door on services in memory, on a free port of loopback, and browsers for it."""

import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import aiohttp_jinja2
import jinja2
from aiohttp import web, web_app
from jinja2.bccache import Bucket

from fileshare.domain.model import Account, Event, Role
from fileshare.services.accounts import Accounts
from fileshare.services.files import Files
from fileshare.services.limiter import WINDOW, Limiter
from fileshare.services.logbook import Logbook
from fileshare.services.measures import Measures
from fileshare.services.meters import Histogram
from fileshare.services.passwords import Passwords
from fileshare.storage.log_files import LogFiles
from fileshare.storage.memory import MemoryReserve
from fileshare.storage.memory_accounts import MemoryAccounts
from fileshare.web.application import make_application
from fileshare.web.assets import find_assets
from fileshare.web.health import Health
from fileshare.web.keys import WebServices, WebSettings
from fileshare.web.server import WebLimits, WebServer
from tests.services.workshop import World

PASSWORD: Final = "correct horse"
PAGE: Final = {"Accept": "text/html"}
TOKEN: Final = re.compile(r'name="csrf-token" content="([0-9a-f]+)"')


class Compiled(jinja2.BytecodeCache):
    """Templates as code, kept in memory: to compile them anew took each house 80 ms."""

    def __init__(self) -> None:
        self._codes: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._codes:
            bucket.bytecode_from_string(self._codes[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key] = bucket.bytecode_to_string()


COMPILED: Final = Compiled()


class Browser:
    """A client that keeps cookies, follows nothing and sends what a form would."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.session = session

    async def get(self, path: str, **options: Any) -> tuple[int, str, aiohttp.ClientResponse]:
        return await self.ask("GET", path, **options)

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, str, aiohttp.ClientResponse]:
        options["headers"] = {**PAGE, **options.get("headers", {})}
        options.setdefault("allow_redirects", False)
        async with self.session.request(method, self.url + path, **options) as answer:
            return answer.status, await answer.text(), answer

    async def token(self, path: str = "/files/") -> str:
        _, text, _ = await self.get(path)
        found = TOKEN.search(text)
        return found[1] if found else ""

    async def post(self, path: str, **fields: str) -> tuple[int, str, aiohttp.ClientResponse]:
        """Send a form as our own pages do, with the token."""
        data = {"csrf_token": await self.token("/account/password"), **fields}
        return await self.ask("POST", path, data=data, headers={"Origin": self.url})

    async def log_in(self, name: str = "anna", password: str = PASSWORD) -> None:
        status, text, _ = await self.post("/login", username=name, password=password)
        assert status == 303, text


@dataclass
class House:
    """The door, what is behind it, and what it says of its health."""

    world: World
    store: MemoryAccounts
    accounts: Accounts
    application: web.Application
    server: WebServer
    url: str = ""
    health: Health = Health.OK
    known: dict[str, Account] = field(default_factory=dict)

    @asynccontextmanager
    async def browser(self, name: str | None = None) -> AsyncIterator[Browser]:
        jar = aiohttp.CookieJar(unsafe=True)  # "unsafe" is aiohttp's word for cookies of an IP address
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            browser = Browser(self.url, session)
            if name is not None:
                await browser.log_in(name)
            yield browser

    async def events(self) -> list[Event]:
        await self.world.shop.audit.flush()
        return list(await self.world.events.events(1000))


@asynccontextmanager
async def open_house(
    settings: WebSettings | None = None,
    limits: WebLimits | None = None,
    logs: Path | None = None,
    world: World | None = None,
    login_window: int = WINDOW,
    *,
    tls: ssl.SSLContext | None = None,
    **routes: Any,
) -> AsyncIterator[House]:
    """`logs` is a folder of log files; `login_window` is how many milliseconds a failed login counts;
    `routes` are further handlers, as GET and POST at `/api/<name>`."""
    world, store, passwords = world or World(), MemoryAccounts(), Passwords(cost=4)
    hashed, default = await passwords.hash_unchecked(PASSWORD), await passwords.hash_unchecked("admin123")
    known = {
        "anna": await store.add("anna", Role.USER, hashed, False, world.clock()),
        "bert": await store.add("bert", Role.USER, hashed, False, world.clock()),
        "root": await store.add("root", Role.ADMIN, hashed, False, world.clock()),
        "admin": await store.add("admin", Role.ADMIN, default, True, world.clock()),
    }
    limiter = Limiter(store, world.clock, window=login_window)
    accounts = Accounts(store, passwords, limiter, world.shop.audit, world.clock)
    files = Files(
        world.catalog,
        world.blobs,
        world.shop.audit,
        clock=world.clock,
        reserve=MemoryReserve(),
        nudge=lambda: None,
        transfers=world.transfers,
        meters=world.shop.meters,
    )
    audit = world.shop.audit
    audit.on_noted(world.shop.meters.note)
    services = WebServices(
        uploads=world.uploads,
        concatenation=world.concatenation,
        files=files,
        accounts=accounts,
        audit=audit,
        logbook=Logbook(LogFiles(logs or Path("/nowhere")), audit),
        measures=Measures(world.shop.meters, world.catalog, world.blobs, {"read": Histogram()}),
        transfers=world.transfers,
        settings=settings or WebSettings(),
    )
    house: House
    application = make_application(find_assets(), lambda: house.health, services)
    aiohttp_jinja2.get_env(application).bytecode_cache = COMPILED
    for name, handler in routes.items():
        application.router.add_route("GET", f"/api/{name}", handler)
        application.router.add_route("POST", f"/api/{name}", handler)
    house = House(world, store, accounts, application, WebServer(application, limits), known=known)
    ((_, port),) = await house.server.start("127.0.0.1", 0, tls)
    house.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        yield house
    finally:
        await house.server.drain(0.1)
        await accounts.stop()
        web_app._cached_build_middleware.cache_clear()  # it keeps hundreds of houses with all their files
