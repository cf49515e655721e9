"""A disk that is full: nothing acknowledged is lost, the server lives on, and deleting for good helps."""

import hashlib
import itertools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import NewShell, Serve
from tests.e2e.inspection import half_done, inspect, space_used, stored
from tests.e2e.patience import wait_until
from tests.e2e.servers import Server
from tests.e2e.sources import content
from tests.e2e.talk import Version1, Version2

MIB = 1 << 20
DISK = 64 * MIB


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MiB; only root can mount one."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "fileshare-test", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let root mount a tmpfs")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(talk: Version1) -> dict[str, bytes]:
    """Upload until the server says that it has no space; what it had stored by then."""
    kept: dict[str, bytes] = {}
    for number in range(100):
        data = content(6 * MIB, seed=number)
        digest = hashlib.sha256(data).hexdigest()
        status, told = talk.ask("UPLOAD", filename=f"{number}.bin", file_size=len(data), file_hash=digest)
        if status == "OK":
            talk.send(data)
            status, told = talk.hear()
        if status != "OK":
            assert (status, told["code"]) == ("ERROR", "no_space")
            return kept
        kept[f"{number}.bin"] = data
    raise AssertionError("the small disk never got full")


def test_full_disk_loses_nothing_and_deleting_for_good_frees_it(
    serve: Serve, small_disk: Path, new_shell: NewShell
) -> None:
    server = serve(data_dir=small_disk / "data")
    with Version1(server.address).log_in() as talk:
        kept = fill(talk)
        assert len(kept) > 3
        for name, data in kept.items():
            assert talk.download(name) == data
    shell = new_shell(server.address)
    shell.log_in()
    used = space_used(server.data_dir)
    shell.run("delete", "0.bin", "--forever")
    wait_until("the space is free", lambda: space_used(server.data_dir) <= used - 6 * MIB, seconds=10)
    shell.run("delete", "1.bin")
    server_told = server.run("trash", "empty")
    assert server_told.returncode == 0, server_told
    wait_until("the space is free", lambda: space_used(server.data_dir) <= used - 12 * MIB, seconds=10)
    with Version1(server.address).log_in() as talk:
        assert talk.upload("after.bin", content(6 * MIB, seed=777))["filename"] == "after.bin"
    found = inspect(server.data_dir, rehash=True)
    assert not found.lost


def test_a_disk_without_one_free_block_still_lets_an_admin_delete(
    serve: Serve, small_disk: Path, new_shell: NewShell
) -> None:
    server = serve(data_dir=small_disk / "data")
    data = content(8 * MIB)
    with Version1(server.address).log_in() as talk:
        talk.upload("a.bin", data)
    shell = new_shell(server.address)
    shell.log_in()
    with (small_disk / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError, match="space"):
        while True:
            filler.write(bytes(4096))
    shell.run("upload", write(shell.home / "more.bin", 100_000), expect=7)
    with Version1(server.address).log_in() as talk:
        assert talk.download("a.bin") == data
    used = space_used(server.data_dir)
    shell.run("delete", "a.bin", "--forever")
    wait_until("the space is free", lambda: space_used(server.data_dir) <= used - 8 * MIB, seconds=10)
    shell.run("upload", shell.home / "more.bin")
    assert set(stored(server.data_dir)) == {"more.bin"}


def write(path: Path, size: int) -> Path:
    path.write_bytes(content(size, seed=5))
    return path


def half_an_upload(server: Server, data: bytes) -> Version2:
    """A version 2 upload of unknown size, so that the space can't be known beforehand."""
    talk = Version2(server.address)
    talk.begin("0123456789abcdef", "big.bin")
    talk.send_data(data)
    return talk


def test_a_write_that_fails_midway_keeps_what_was_durable(serve: Serve) -> None:
    """A limit on the file's size stands for the full disk where none can be mounted."""
    server = serve(require_auth=False, checkpoint_bytes=MIB)
    data = content(12 * MIB)
    with Version1(server.address) as talk:
        before = content(3 * MIB, seed=3)
        talk.upload("before.bin", before)
    server.limit_file_size(8 * MIB)
    with half_an_upload(server, data) as sending:
        status, told = sending.final()
    assert status == "ERROR"
    assert told["code"] in {"no_space", "storage_failed"}
    server.limit_file_size(None)
    assert server.alive
    row, written = half_done(server.data_dir)[0][1:]
    assert 0 <= row <= written <= 8 * MIB
    with Version2(server.address) as talk2:
        offset = talk2.begin("0123456789abcdef", "big.bin")
        assert row <= offset <= 8 * MIB
        talk2.send_data(data[offset:])
        talk2.send_end(data)
        assert talk2.final()[0] == "STORED"
    with Version1(server.address) as talk:
        assert talk.download("before.bin") == before
        assert talk.download("big.bin") == data
    assert inspect(server.data_dir, rehash=True).clean


def test_a_server_whose_writes_failed_for_a_while_goes_on_by_itself(serve: Serve) -> None:
    """As under a quota that is met amid a write of the database, which is an I/O error to SQLite."""
    server, log = serve(require_auth=False), 256 * 1024
    data = content(4 * MIB)
    with Version1(server.address) as talk:
        for number in itertools.count():
            talk.upload(f"{number}.txt", content(100, seed=number))
            if (server.data_dir / "fileshare.db-wal").stat().st_size > 2 * log:
                break
    with half_an_upload(server, data[:MIB]) as sending:
        wait_until("half of it is written", lambda: [row[2] for row in half_done(server.data_dir)] == [MIB])
        server.limit_file_size(log)
        with Version1(server.address) as talk:
            assert refusal(talk, "in vain.txt") in {"storage_failed", "no_space", "unavailable"}
            assert talk.download("0.txt") == content(100)
        sending.send_data(data[MIB : 2 * MIB])
    server.limit_file_size(None)
    with Version1(server.address) as talk:
        wait_until("it takes files again", lambda: refusal(talk, "after.txt") is None)
    with Version2(server.address) as again:
        offset = again.begin("0123456789abcdef", "big.bin")
        assert offset >= MIB
        again.send_data(data[offset:])
        again.send_end(data)
        assert again.final()[0] == "STORED"
    names = {*(f"{one}.txt" for one in range(number + 1)), "after.txt", "big.bin"}
    assert set(stored(server.data_dir)) in (names, names | {"in vain.txt"})
    assert inspect(server.data_dir, rehash=True).clean


def refusal(talk: Version1, name: str) -> str | None:
    """The code with which a small file is refused."""
    data = content(100, seed=9)
    digest = hashlib.sha256(data).hexdigest()
    status, told = talk.ask("UPLOAD", filename=name, file_size=len(data), file_hash=digest)
    if status == "OK":
        talk.send(data)
        status, told = talk.hear()
    return None if status == "OK" else str(told["code"])


def test_version_1_client_of_a_full_disk_gets_its_error_and_can_resume(serve: Serve) -> None:
    server = serve(require_auth=False)
    data = content(6 * MIB)
    server.limit_file_size(4 * MIB)
    with Version1(server.address) as talk:
        talk.begin("a.bin", data)
        talk.send(data)
        status, told = talk.hear()
        assert status == "ERROR"
        assert told["code"] in {"no_space", "storage_failed"}
        assert talk.names() == []
    server.limit_file_size(None)
    with Version1(server.address) as talk:
        assert talk.finish_upload("a.bin", data)[1]["filename"] == "a.bin"
        assert talk.download("a.bin") == data
    assert inspect(server.data_dir, rehash=True).clean
