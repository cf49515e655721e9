"""A program that speaks JSON with the API."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.web.house import House
from tests.web.programs import Answer, Program, program

API = "/api/v1"


@dataclass
class Asker:
    program: Program

    @property
    def house(self) -> House:
        return self.program.house

    async def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        if body is not None:
            options.setdefault("data", json.dumps(body))
            options["headers"] = {"Content-Type": "application/json", **options.get("headers", {})}
        return await self.program.ask(method, API + path, **options)

    async def get(self, path: str, **options: Any) -> Any:
        return told(await self.ask("GET", path, **options), 200)

    async def post(self, path: str, body: Any, status: int = 200) -> Any:
        return told(await self.ask("POST", path, body), status)

    async def patch(self, path: str, body: Any) -> Any:
        return told(await self.ask("PATCH", path, body), 200)

    async def delete(self, path: str, status: int = 200) -> Any:
        return told(await self.ask("DELETE", path), status)

    async def refused(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, str]:
        """Status and code of a failure, whose shape is the one that all have."""
        return failure(await self.ask(method, path, body, **options))


def told(answer: Answer, status: int) -> Any:
    assert answer.status == status, answer.text
    if status == 204:
        assert answer.body == b""
        return None
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    return json.loads(answer.body)


def failure(answer: Answer) -> tuple[int, str]:
    """Status and code; the answer has the one shape of failures, and says what a person reads."""
    assert answer.headers["Content-Type"].startswith("application/json"), answer.text
    body = json.loads(answer.body)
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message"}
    assert body["error"]["message"].endswith(".")
    return answer.status, body["error"]["code"]


@asynccontextmanager
async def asker(house: House, name: str = "anna") -> AsyncIterator[Asker]:
    async with program(house, name) as one:
        yield Asker(one)
