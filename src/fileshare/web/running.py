"""The requests under way, so that those of an account whose sessions end are cut with them.

What a cut upload has sent is kept and can be resumed, if somebody may still do so. The
request that ended the sessions itself gets its answer: it has a moment before the cut.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from fileshare.domain.model import ANONYMOUS_ID, Caller
from fileshare.services.accounts import Accounts
from fileshare.services.cutting import cut

GRACE = 1.0
"""Seconds for an answer that is being written; the promise is that all has ended after two."""


class Running:
    """The requests of callers with an account. One per application."""

    def __init__(self, accounts: Accounts) -> None:
        # By identity: aiohttp's requests are mutable mappings, which can't be hashed.
        self._requests: dict[int, tuple[web.Request, Caller]] = {}
        self.grace = GRACE
        accounts.on_ended(self._end)

    @asynccontextmanager
    async def known(self, request: web.Request, caller: Caller) -> AsyncIterator[None]:
        """Count a request in while it runs. Await nothing between finding the caller and this."""
        if caller.account.id != ANONYMOUS_ID:
            self._requests[id(request)] = request, caller
        try:
            yield
        finally:
            self._requests.pop(id(request), None)

    def _end(self, account_id: int, session_id: int | None) -> None:
        ended = [
            request
            for request, caller in self._requests.values()
            if caller.account.id == account_id and session_id in (None, caller.session_id)
        ]
        if ended:
            asyncio.get_running_loop().call_later(self.grace, self._cut, ended)

    def _cut(self, requests: list[web.Request]) -> None:
        for request in requests:
            if id(request) in self._requests:
                cut(request.transport)


RUNNING: web.AppKey[Running] = web.AppKey("running", Running)
