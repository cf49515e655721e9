"""The real server, for attacks that need its sockets and disk; and the client, before a scripted one."""

from tests.client.conftest import server
from tests.client.typed import run
from tests.e2e.conftest import serve

__all__ = ["run", "serve", "server"]
