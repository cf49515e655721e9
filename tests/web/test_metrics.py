"""The numbers for Prometheus: right, in its own format, and for nobody who should not see them."""

import re
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families

from fileshare import __version__
from fileshare.domain.model import Door
from fileshare.web.health import Health
from fileshare.web.keys import SERVICES, WebSettings
from tests.web.house import House, open_house
from tests.web.programs import Answer, program, store

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]
ELSEWHERE = {"X-Forwarded-For": "192.0.2.1"}


def read(text: str) -> Samples:
    families = text_string_to_metric_families(text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


async def asked(house: House, **headers: str) -> Answer:
    async with aiohttp.ClientSession() as session:
        told = {name.replace("_", "-"): text for name, text in headers.items()}
        async with session.get(f"{house.url}/metrics", headers=told) as answer:
            return Answer(answer.status, answer.headers, await answer.read())


async def test_what_happened_is_counted_and_the_official_parser_reads_it() -> None:
    async with open_house() as house, program(house) as anna, program(house, "bert") as bert:
        assert (await anna.put("/files/a.txt", b"abcde")).status == 201
        assert (await bert.get("/files/a.txt", Range="bytes=0-1")).status == 206
        assert (await bert.get("/files/none")).status == 404
        async with bert.session.get(
            f"{house.url}/files/", headers={"Authorization": "Bearer wrong"}
        ) as wrong:
            assert wrong.status == 401
        answer = await asked(house)
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        samples = read(answer.text)
    assert value(samples, "fileshare_received_bytes_total", door="web") == 5
    assert value(samples, "fileshare_sent_bytes_total", door="web") == 2
    assert value(samples, "fileshare_uploads_total", door="web") == 1
    assert value(samples, "fileshare_downloads_total", door="web") == 1
    assert value(samples, "fileshare_logins_failed_total", door="web") == 1
    refused = {"action": "download", "code": "not_found", "door": "web"}
    assert value(samples, "fileshare_failures_total", **refused) == 1
    assert value(samples, "fileshare_transfers", direction="sent", door="web") == 0
    assert value(samples, "fileshare_files") == 1
    assert value(samples, "fileshare_stored_bytes", of="current") == 5
    assert value(samples, "fileshare_stored_bytes", of="trash") == 0
    assert value(samples, "fileshare_disk_size_bytes") >= value(samples, "fileshare_disk_free_bytes") > 0
    assert value(samples, "fileshare_build_info", version=__version__) == 1
    assert value(samples, "fileshare_database_seconds_count", work="read") == 0
    assert value(samples, "fileshare_database_seconds_bucket", work="read", le="+Inf") == 0
    assert value(samples, "process_resident_memory_bytes") > 0


async def test_doors_tell_their_connections_and_health_its_state() -> None:
    async with open_house() as house:
        house.application[SERVICES].measures.watch(Door.WEB, lambda: house.server.connections)
        samples = read((await asked(house)).text)
        assert value(samples, "fileshare_connections", door="web") >= 1
        assert value(samples, "fileshare_healthy") == 1
        house.health = Health.READ_ONLY
        assert value(read((await asked(house)).text), "fileshare_healthy") == 0


async def test_open_metrics_is_spoken_to_who_asks_for_it() -> None:
    async with open_house() as house:
        answer = await asked(house, Accept="application/openmetrics-text; version=1.0.0")
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
        families = open_metrics(answer.text)  # type: ignore[no-untyped-call]
        assert "fileshare_uploads" in {family.name for family in families}


async def test_no_name_and_no_path_gets_into_the_numbers() -> None:
    async with open_house() as house, program(house) as anna:
        await store(house, "secret plan.txt", b"x")
        await anna.get("/files/secret%20plan.txt")
        await anna.get("/files/other%20secret")
        text = (await asked(house)).text
        assert "secret" not in text
        assert "anna" not in text


@pytest.mark.parametrize(("who", "status"), [("anna", 403), ("root", 200)])
async def test_from_elsewhere_only_an_admin_sees_them(who: str, status: int) -> None:
    async with open_house() as house, program(house, who) as one:
        assert (await one.ask("GET", "/metrics", headers=ELSEWHERE)).status == status


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
async def test_request_through_a_proxy_on_this_machine_is_not_from_this_machine(header: str) -> None:
    async with open_house() as house:
        assert (await asked(house, **{header: "for=192.0.2.1"})).status == 401
        assert (await asked(house, Host="evil.example")).status == 401
        assert (await asked(house)).status == 200


async def test_anonymous_from_elsewhere_sees_none() -> None:
    async with open_house(WebSettings(require_auth=False)) as house:
        assert (await asked(house, **ELSEWHERE)).status == 403


async def test_each_answer_has_a_registry_of_its_own() -> None:
    async with open_house() as house:
        first, second = [read((await asked(house)).text) for _ in range(2)]
        assert set(first) == set(second)


async def test_every_metric_of_ours_is_documented_and_no_other() -> None:
    text = (Path(__file__).parents[2] / "docs" / "http.md").read_text()
    documented = set(re.findall(r"`(fileshare_\w+)`", text.split("## Numbers")[1]))
    async with open_house() as house, program(house) as anna:
        await anna.put("/files/a.txt", b"abcde")
        await anna.get("/files/a.txt")
        await anna.get("/files/none")
        families = text_string_to_metric_families((await asked(house)).text)
        served = {one.name + "_total" * (one.type == "counter") for one in families}
    assert {name for name in served if name.startswith("fileshare_")} == documented
