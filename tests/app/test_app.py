"""The service as a whole, in this process: started and stopped, also half-way."""

import asyncio
import json
import logging
import socket
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from fileshare.app import App
from fileshare.config import Config
from fileshare.errors import BadRequest, Unavailable


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(
        host="127.0.0.1", port=0, web_host="127.0.0.1", web_port=0, data_dir=tmp_path / "data", bcrypt_cost=4
    )


def tasks() -> set[asyncio.Task[object]]:
    return asyncio.all_tasks() - {asyncio.current_task()}


async def test_stop_leaves_nothing_running(config: Config) -> None:
    handlers = list(logging.getLogger().handlers)
    app = App(config)
    await app.start()
    await app.stop(1)
    assert tasks() == set()
    assert logging.getLogger().handlers == handlers
    assert not (config.data_dir / "admin.sock").exists()


async def test_service_can_be_started_again_on_its_folder(config: Config) -> None:
    for _ in range(2):
        app = App(config)
        await app.start()
        assert len(app.urls) == 2
        await app.stop(1)


async def test_failed_start_undoes_what_it_had_started(config: Config) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(Unavailable, match="taken by another program"):
            await App(replace(config, web_port=taken.getsockname()[1])).start()
    assert tasks() == set()
    app = App(config)
    await app.start()
    await app.stop(1)


async def test_health_check_says_draining_while_the_tcp_door_drains(config: Config) -> None:
    app = App(config)
    await app.start()
    _, web = app.urls
    port = int(app.urls[0].rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{web}/healthz") as answer:
            assert await answer.json() == {"status": "ok"}
        stopping = asyncio.create_task(app.stop(60))
        assert await reader.read() == b""
        async with session.get(f"{web}/healthz") as answer:
            assert answer.status == 503
            assert await answer.json() == {"status": "draining"}
        writer.close()
        await writer.wait_closed()
        await stopping
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(f"{web}/healthz")


@pytest.mark.parametrize(
    ("change", "warned"),
    [
        ({"admin_password": "correct horse battery"}, []),
        ({}, ["The password of admin"]),
        ({"admin_password": "correct horse battery", "web_host": "0.0.0.0"}, ["Other machines"]),
        (
            {"admin_password": "correct horse battery", "host": "0.0.0.0", "require_auth": False},
            ["Other machines", "require_auth is off"],
        ),
    ],
    ids=["none", "default password", "no TLS", "no login"],
)
async def test_what_is_risky_is_said_at_start(
    config: Config, change: dict[str, object], warned: list[str]
) -> None:
    app = App(replace(config, **change))  # type: ignore[arg-type]
    await app.start()
    await app.stop(1)
    assert [any(found.startswith(start) for start in warned) for found in app.warnings] == [True] * len(
        warned
    )
    levels = [
        json.loads(line)["level"] for line in (config.data_dir / "logs/server.log").read_text().splitlines()
    ]
    assert levels.count("warning") == len(warned)


async def test_data_folder_in_a_file_is_refused(config: Config, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")
    with pytest.raises(BadRequest, match="is a file: name a folder"):
        await App(replace(config, data_dir=tmp_path / "data" / "below")).start()
    assert (tmp_path / "data").read_text() == "mine"
