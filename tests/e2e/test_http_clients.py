"""curl and wget against the real thing: programs that know nothing of us, resuming what was cut."""

import base64
import hashlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.inspection import half_done, inspect, stored
from tests.e2e.patience import wait_until
from tests.e2e.servers import Server
from tests.e2e.sources import content, write_file
from tests.e2e.talk import Version1

MIB = 1 << 20
PARTIAL = 18
"""curl's exit code for a body that ended early."""

USER = "admin:admin123"


def run(*words: str | Path) -> "subprocess.CompletedProcess[bytes]":
    if shutil.which(str(words[0])) is None:
        pytest.fail(f"{words[0]} is not installed: `apt-get install {words[0]}`")
    return subprocess.run([str(word) for word in words], capture_output=True, timeout=60, check=False)


def curl(*words: str | Path) -> "subprocess.CompletedProcess[bytes]":
    return run("curl", "--silent", "--show-error", "--user", USER, *words)


@contextmanager
def started(*words: str | Path) -> "Iterator[subprocess.Popen[bytes]]":
    """curl on its way, ended with the block."""
    command = ["curl", "--silent", "--user", USER, *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def received(server: Server) -> int:
    """Bytes of half-done uploads on the disk."""
    return sum(length for _, _, length in half_done(server.data_dir))


def blob_of(server: Server, data: bytes) -> Path:
    digest = hashlib.sha256(data).hexdigest()
    return server.data_dir / "blobs" / digest[:2] / digest


def put(server: Server, path: str, data: bytes, folder: Path) -> None:
    source = folder / "source"
    source.write_bytes(data)
    told = curl("--fail", "--upload-file", source, f"{server.web}/files/{path}")
    assert told.returncode == 0, told.stderr


def test_curl_goes_on_where_it_stopped(serve: Serve, tmp_path: Path) -> None:
    server, data, mine = serve(), content(20 * MIB), tmp_path / "mine"
    put(server, "docs/large.bin", data, tmp_path)
    url = f"{server.web}/files/docs/large.bin"
    for arrived in (0, 1, 7 * MIB + 3, len(data) - 1, len(data)):
        mine.write_bytes(data[:arrived])
        # Of a file that is whole already curl hears 416, which is no error to it unless --fail makes it one.
        assert curl("--continue-at", "-", "--output", mine, url).returncode == 0
        assert mine.read_bytes() == data


def test_curl_takes_ranges(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(), content(3 * MIB)
    put(server, "a", data, tmp_path)
    for told, wanted in (("0-9", data[:10]), ("-5", data[-5:]), (f"{MIB}-", data[MIB:])):
        assert curl("--range", told, f"{server.web}/files/a").stdout == wanted
    several = curl("--range", "0-9,2000000-2000009", f"{server.web}/files/a").stdout
    assert data[:10] in several and data[2000000:2000010] in several


def test_wget_goes_on_where_it_stopped(serve: Serve, tmp_path: Path) -> None:
    server, data, mine = serve(), content(20 * MIB), tmp_path / "mine"
    put(server, "large.bin", data, tmp_path)
    name, _, password = USER.partition(":")
    for arrived in (1, 7 * MIB + 3, len(data)):
        mine.write_bytes(data[:arrived])
        told = run(
            "wget", "--quiet", "--continue", f"--user={name}", f"--password={password}",
            "--auth-no-challenge", f"--output-document={mine}", f"{server.web}/files/large.bin",
        )  # fmt: skip
        assert (told.returncode, mine.read_bytes() == data) == (0, True), told.stderr


def test_curl_goes_on_after_the_server_was_killed(serve: Serve, tmp_path: Path) -> None:
    server, data, mine = serve(), content(40 * MIB), tmp_path / "mine"
    put(server, "large.bin", data, tmp_path)
    with started("--limit-rate", "20M", "--output", mine, f"{server.web}/files/large.bin") as slow:
        wait_until("curl has a part", lambda: mine.exists() and mine.stat().st_size > MIB)
        server.kill()
        assert slow.wait(30) == PARTIAL
    server.restart()
    url = f"{server.web}/files/large.bin"
    assert curl("--fail", "--continue-at", "-", "--output", mine, url).returncode == 0
    assert mine.read_bytes() == data


def ask(server: Server, path: str) -> socket.socket:
    """A connection whose reader has asked for a file and takes nothing yet."""
    host, port = server.web.removeprefix("http://").split(":")
    line = socket.create_connection((host, int(port)), timeout=30)
    credentials = base64.b64encode(USER.encode()).decode()
    line.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {credentials}\r\n\r\n".encode())
    return line


def taken(line: socket.socket) -> bytes:
    """All that comes, however it ends."""
    data = b""
    try:
        while more := line.recv(MIB):
            data += more
    except ConnectionError:
        pass
    return data


@pytest.mark.parametrize("path", ["/files/docs/large.bin", "/files/docs/?zip"])
def test_blob_that_shrinks_while_it_is_sent_can_not_look_whole(
    serve: Serve, tmp_path: Path, path: str
) -> None:
    server, data = serve(), content(48 * MIB)
    put(server, "docs/large.bin", data, tmp_path)
    with ask(server, path) as line:
        first = line.recv(1000)
        assert first.startswith(b"HTTP/1.1 200 ")
        os.truncate(blob_of(server, data), 40 * MIB)
        got = first + taken(line)
    assert len(got) < 41 * MIB
    assert b"PK\x05\x06" not in got and not got.endswith(b"0\r\n\r\n")
    server.expect_clean = False


def test_damaged_archive_is_an_error_for_curl_and_for_unzip(serve: Serve, tmp_path: Path) -> None:
    server, archive = serve(), tmp_path / "docs.zip"
    for number in range(3):
        put(server, f"docs/{number}", content(2 * MIB, seed=number), tmp_path)
    assert curl("--output", archive, f"{server.web}/files/docs/?zip").returncode == 0
    with ZipFile(archive) as opened:
        assert opened.testzip() is None
        assert [opened.read(f"docs/{n}") for n in range(3)] == [content(2 * MIB, seed=n) for n in range(3)]
    blob_of(server, content(2 * MIB, seed=1)).unlink()
    assert curl("--output", archive, f"{server.web}/files/docs/?zip").returncode != 0
    with pytest.raises(BadZipFile):
        ZipFile(archive)


def test_upload_that_curl_lost_is_finished_through_the_other_door(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(), content(24 * MIB)
    digest = hashlib.sha256(data).digest()
    source = tmp_path / "source"
    source.write_bytes(data)
    promise = f"Repr-Digest: sha-256=:{base64.b64encode(digest).decode()}:"
    url = f"{server.web}/files/docs/a.bin"
    with started("--limit-rate", "10M", "--header", promise, "--upload-file", source, url) as sender:
        wait_until("a part has arrived", lambda: received(server) > 4 * MIB)
        sender.kill()
    wait_until("its bytes are durable", lambda: half_done(server.data_dir)[0][1] == received(server))
    with Version1(server.address).log_in() as talk:
        status, told = talk.ask("RESUME", filename="docs/a.bin", file_hash=digest.hex())
        assert status == "OK"
        assert told["bytes_received"] > 4 * MIB
        talk.send(data[told["bytes_received"] :])
        assert talk.hear()[0] == "OK"
    assert stored(server.data_dir) == {"docs/a.bin": digest.hex()}
    assert inspect(server.data_dir, rehash=True).clean


def test_large_bodies_do_not_fill_the_servers_memory(serve: Serve, tmp_path: Path) -> None:
    server, source = serve(), tmp_path / "source"
    put(server, "warm", b"up", tmp_path)
    digest = write_file(source, 256 * MIB)
    before = server.resident()
    assert curl("--fail", "--upload-file", source, f"{server.web}/files/in/put").returncode == 0
    assert curl("--fail", "--form", f"file=@{source}", f"{server.web}/files/in/").returncode == 0
    assert curl("--fail", "--output", tmp_path / "zip", f"{server.web}/files/in/?zip").returncode == 0
    assert server.resident() - before < 64 * MIB
    now = stored(server.data_dir)
    assert now["in/put"] == now["in/source"] == digest


def test_piece_is_never_taken_for_the_file(serve: Serve, tmp_path: Path) -> None:
    server, source = serve(), tmp_path / "source"
    source.write_bytes(content(MIB))
    url = f"{server.web}/files/a"
    assert curl("--fail", "--continue-at", "1000", "--upload-file", source, url).returncode != 0
    assert stored(server.data_dir) == {}
