"""Somebody else's client of version 1 against our door, with small chunks and with large ones."""

import ast
import asyncio
import hashlib
import random
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from tests.clients import version1
from tests.clients.version1 import CHUNK_SIZE, LARGE_CHUNK_SIZE, Client, Refused, digest_of
from tests.tcp.door import PASSWORD, Door, open_door

T = TypeVar("T")
CONTENT = random.Random(1).randbytes(300_000)
SIZE = len(CONTENT)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
PROGRAM = Path(version1.__file__)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with open_door() as door:
        yield door


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "x.bin"
    path.write_bytes(CONTENT)
    return path


async def talk(door: Door, chunk: int, act: Callable[[Client], T]) -> T:
    """Log in and act, on a thread, since the client blocks."""

    def run() -> T:
        with Client("127.0.0.1", door.port, chunk, seconds=20) as client:
            assert client.login("anna", PASSWORD) == "user"
            return act(client)

    return await asyncio.to_thread(run)


@pytest.fixture(params=[CHUNK_SIZE, LARGE_CHUNK_SIZE], ids=["8 KiB", "4 MiB"])
def chunk(request: pytest.FixtureRequest) -> int:
    value: int = request.param
    return value


async def test_it_uploads_lists_and_downloads(door: Door, file: Path, chunk: int, tmp_path: Path) -> None:
    stored = await talk(door, chunk, lambda client: client.upload(file))
    assert stored == {"message": "Upload successful", "filename": "x.bin", "size": SIZE, "hash": DIGEST}
    (listed,) = await talk(door, chunk, lambda client: client.list())
    assert (listed["name"], listed["size"], listed["hash"]) == ("x.bin", SIZE, DIGEST)
    assert isinstance(listed["modified"], float | int)
    target = tmp_path / "back.bin"
    assert await talk(door, chunk, lambda client: client.download("x.bin", target)) == 0
    assert digest_of(target) == DIGEST


async def test_a_second_upload_becomes_v2_and_an_overwrite_a_version(
    door: Door, file: Path, chunk: int
) -> None:
    names = [(await talk(door, chunk, lambda client: client.upload(file)))["filename"] for _ in range(3)]
    assert names == ["x.bin", "x_v2.bin", "x_v3.bin"]
    again = await talk(door, chunk, lambda client: client.upload(file, overwrite=True))
    assert again["filename"] == "x.bin"
    listed = await talk(door, chunk, lambda client: client.list())
    assert {entry["name"]: entry["version"] for entry in listed} == {"x.bin": 2, "x_v2.bin": 1, "x_v3.bin": 1}


async def test_it_resumes_where_the_server_is(door: Door, file: Path, chunk: int) -> None:
    await talk(door, chunk, lambda client: client.upload(file, stop_after=200_001))
    start, stored = await talk(door, chunk, lambda client: client.resume(file))
    assert start == 200_001, "not one byte that arrived is sent again"
    assert stored["hash"] == DIGEST


async def test_a_lost_reply_costs_nothing(door: Door, file: Path, chunk: int) -> None:
    first = await talk(door, chunk, lambda client: client.upload(file))
    start, again = await talk(door, chunk, lambda client: client.resume(file))
    assert (start, again) == (SIZE, first)
    assert len(await talk(door, chunk, lambda client: client.list())) == 1


async def test_it_resumes_a_download(door: Door, file: Path, chunk: int, tmp_path: Path) -> None:
    await talk(door, chunk, lambda client: client.upload(file))
    target = tmp_path / "back.bin"
    await talk(door, chunk, lambda client: client.download("x.bin", target, stop_after=123_457))
    start = await talk(door, chunk, lambda client: client.download("x.bin", target, resume=True))
    assert start == 123_457
    assert digest_of(target) == DIGEST


async def test_one_connection_serves_for_everything(
    door: Door, file: Path, chunk: int, tmp_path: Path
) -> None:
    def all_at_once(client: Client) -> int:
        client.upload(file)
        client.download("x.bin", tmp_path / "1.bin")
        with pytest.raises(Refused, match="FILE_NOT_FOUND"):
            client.download("y.bin", tmp_path / "2.bin")
        client.upload(file, "folder/é.bin")
        client.download("folder/é.bin", tmp_path / "3.bin")
        return len(client.list())

    assert await talk(door, chunk, all_at_once) == 2


async def test_an_empty_file_is_a_file(door: Door, tmp_path: Path, chunk: int) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    assert (await talk(door, chunk, lambda client: client.upload(empty)))["size"] == 0
    await talk(door, chunk, lambda client: client.download("empty", tmp_path / "back"))
    assert digest_of(tmp_path / "back") == hashlib.sha256(b"").hexdigest()


async def test_a_wrong_password_is_told(door: Door) -> None:
    def run() -> None:
        with Client("127.0.0.1", door.port) as client, pytest.raises(Refused, match="AUTH_FAILED"):
            client.login("anna", "wrong")

    await asyncio.to_thread(run)


def test_it_knows_nothing_of_us() -> None:
    """Or a mistake of ours would stand in both places and not be seen."""
    nodes = list(ast.walk(ast.parse(PROGRAM.read_text())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)]
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names
