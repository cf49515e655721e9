"""Which server is meant, and the proof of login that belongs to it.

One file per server under `servers/` in the config folder, mode 0600, so that two
logins at once can't lose each other's. A token goes to the host and port that issued it
and to no other, under the TLS that it was issued under; never holds a password.
"""

import hashlib
import os
import re

import msgspec
from msgspec import Struct

from fileshare.client.places import write_private
from fileshare.client.settings import Settings
from fileshare.errors import BadRequest


class Server(Struct, frozen=True, kw_only=True):
    """Where to connect, and how."""

    host: str
    port: int
    tls: bool = False
    ca: str = ""

    @property
    def name(self) -> str:
        """`host:port`, in one spelling: what tokens and half-done transfers belong to."""
        host = self.host.lower().rstrip(".")
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


class Login(Struct, frozen=True, kw_only=True):
    """A login that was made: the server as it was reached then, and its token."""

    server: Server
    account: str
    token: str
    expires_at: float | None = None
    v: int = 1


class Logins:
    """The logins in a config folder."""

    def __init__(self, config_folder: str) -> None:
        self._folder = os.path.join(config_folder, "servers")
        self._last = os.path.join(config_folder, "last-server")

    def save(self, login: Login) -> None:
        """Remember a login, and that its server is the one meant where none is named. Durable on return."""
        write_private(self._file(login.server.name), msgspec.json.encode(login))
        write_private(self._last, login.server.name.encode())

    def of(self, name: str) -> Login | None:
        """The login to the server of that name (`host:port`)."""
        try:
            with open(self._file(name), "rb") as file:
                login = msgspec.json.decode(file.read(), type=Login)
        except (FileNotFoundError, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        return login if login.server.name == name else None

    def forget(self, name: str) -> None:
        """Delete the login to that server, if there is one."""
        if os.path.exists(self._file(name)):
            os.unlink(self._file(name))

    def last(self) -> Login | None:
        """The newest login, unless it was forgotten."""
        try:
            with open(self._last, encoding="utf-8") as file:
                return self.of(file.read().strip())
        except (FileNotFoundError, UnicodeDecodeError):
            return None

    def _file(self, name: str) -> str:
        # Host names are nobody's file names: readable where harmless, and distinct by the digest.
        readable = re.sub(r"[^a-z0-9.-]", "_", name)[:60]
        return os.path.join(self._folder, f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:12]}.json")


def server_meant(settings: Settings, logins: Logins) -> Server:
    """The server for this command.

    What was set counts. Where neither host nor port was, it is the server of the last
    login; where that login used TLS, so does everything after it.
    """
    last = None if settings.chosen & {"host", "port"} else logins.last()
    if last is not None:
        server = last.server
    else:
        server = Server(host=settings.host, port=settings.port)
        known = logins.of(server.name)
        server = known.server if known is not None else server
    tls = settings.tls or server.tls or bool(settings.ca)
    ca = os.path.abspath(os.path.expanduser(settings.ca)) if settings.ca else server.ca
    if "tls" in settings.chosen and not settings.tls and server.tls:
        raise BadRequest(f"The login to {server.name} was made with TLS: log out first to change that.")
    return Server(host=server.host, port=server.port, tls=tls, ca=ca)
