"""The OpenAPI document: all of the API, nothing else, and true."""

import json
import re
from typing import Any

from fileshare.web.api.document import FAILURES
from fileshare.web.api.table import ENDPOINTS
from fileshare.web.keys import WebSettings
from fileshare.web.routes import TABLE
from tests.web.api.asker import asker
from tests.web.house import open_house


async def document(settings: WebSettings | None = None) -> Any:
    async with open_house(settings) as house, asker(house) as anna:
        return await anna.get("/openapi.json")


async def test_document_names_every_route_of_the_api_and_no_other() -> None:
    told = {
        (method.upper(), path)
        for path, operations in (await document())["paths"].items()
        for method in operations
    }
    served = {
        (row.method, re.sub(r":[^}]*\}", "}", row.path)) for row in TABLE if row.path.startswith("/api/")
    }
    assert told == served


async def test_everybody_may_read_the_document() -> None:
    async with open_house() as house, house.browser() as browser:
        status, text, answer = await browser.get("/api/v1/openapi.json")
        assert (status, answer.content_type) == (200, "application/json")
        assert json.loads(text)["openapi"] == "3.1.0"


async def test_document_tells_where_the_api_stands_behind_a_proxy() -> None:
    assert (await document())["servers"] == [{"url": "/"}]
    behind = await document(WebSettings(public_url="https://files.example/share/"))
    assert behind["servers"] == [{"url": "/share"}]


async def test_every_operation_has_a_name_of_its_own_and_a_sentence() -> None:
    operations = [op for path in (await document())["paths"].values() for op in path.values()]
    assert len({op["operationId"] for op in operations}) == len(operations) == len(ENDPOINTS)
    assert all(op["summary"].endswith(".") for op in operations)


async def test_every_reference_leads_to_a_shape() -> None:
    told = await document()
    names = re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(told))
    assert set(names) == set(told["components"]["schemas"])


async def test_every_failure_that_may_come_is_described() -> None:
    operations = [op for path in (await document())["paths"].values() for op in path.values()]
    statuses = {int(status) for op in operations for status in op["responses"]}
    assert {status for status in statuses if status >= 400} == set(FAILURES)
