"""The real server, for attacks that need its sockets, threads and disk."""

from tests.e2e.conftest import serve

__all__ = ["serve"]
