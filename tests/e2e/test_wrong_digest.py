"""What is not what was promised is never stored, and never kept."""

import hashlib
from pathlib import Path

import pytest

from tests.e2e.conftest import NewLine, NewShell
from tests.e2e.inspection import inspect, stored
from tests.e2e.patience import wait_until
from tests.e2e.rules import FlipBit, Way
from tests.e2e.servers import Server
from tests.e2e.sources import content, write_file
from tests.e2e.talk import Version1, Version2

MIB = 1 << 20


def test_version_1_upload_with_a_wrong_digest_is_gone(open_server: Server) -> None:
    wrong = hashlib.sha256(b"other").hexdigest()
    with Version1(open_server.address) as talk:
        for size in (0, 10, 2 * MIB):
            data, name = content(size), f"{size}.bin"
            status, _ = talk.ask("UPLOAD", filename=name, file_size=size, file_hash=wrong)
            assert status == "OK"
            talk.send(data)
            assert talk.hear()[0] == "CHECKSUM_FAILED"
            assert talk.ask("RESUME", filename=name, file_hash=wrong)[0] == "FILE_NOT_FOUND"
            assert name not in talk.names()
            assert talk.upload(name, data)["filename"] == name
    assert inspect(open_server.data_dir, rehash=True).clean


def test_version_2_upload_with_a_wrong_end_is_gone(open_server: Server) -> None:
    data = content(MIB)
    with Version2(open_server.address) as talk:
        talk.begin("0123456789abcdef", "a.bin", size=MIB)
        talk.send_data(data)
        talk.send_end(data[::-1])
        assert talk.final()[0] == "CHECKSUM_FAILED"
        assert talk.begin("0123456789abcdef", "a.bin", size=MIB) == 0
    assert stored(open_server.data_dir) == {}


@pytest.mark.parametrize("way", list(Way))
def test_a_bit_that_flips_on_the_line_is_noticed(
    open_server: Server, new_line: NewLine, new_shell: NewShell, tmp_path: Path, way: Way
) -> None:
    digest = write_file(tmp_path / "a.bin", 2 * MIB)
    line = new_line(open_server.address)
    shell = new_shell(line.address)
    if way is Way.DOWN:
        shell.run("upload", tmp_path / "a.bin")
    line.plan(FlipBit(way, MIB))
    words = ("upload", tmp_path / "a.bin") if way is Way.UP else ("download", "a.bin")
    done = shell.run(*words, expect=None)
    assert done.code in {0, 5}, done
    if way is Way.UP:
        assert stored(open_server.data_dir) == ({"a.bin": digest} if done.code == 0 else {})
    elif done.code:
        assert not (shell.work / "a.bin").exists()
    else:
        assert (shell.work / "a.bin").read_bytes() == (tmp_path / "a.bin").read_bytes()
    wait_until("nothing is left over", lambda: not inspect(open_server.data_dir, rehash=True).lost)
