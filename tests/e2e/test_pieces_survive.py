"""A large file over several connections, by the real commands, and both ends killed amid it."""

from pathlib import Path

from tests.e2e.conftest import NewLine, NewShell, Serve
from tests.e2e.inspection import half_done, inspect, stored
from tests.e2e.line import Line
from tests.e2e.patience import wait_until
from tests.e2e.rules import ActAfter, AfterBytes, Fault, Way
from tests.e2e.servers import Server
from tests.e2e.sources import write_file
from tests.e2e.talk import Version2

MIB = 1 << 20
SIZE = 257 * MIB + 5
"""Just enough for pieces."""


def written(server: Server) -> int:
    """Bytes that lie in parts: of the file's own upload and of its pieces."""
    return sum(count for _, _, count in half_done(server.data_dir))


def body(line: Line, first: int = 0) -> int:
    return sum(link.body(Way.UP) for link in line.links[first:])


def test_upload_in_pieces_goes_on_by_itself_after_the_server_was_killed(
    serve: Serve, new_line: NewLine, new_shell: NewShell, tmp_path: Path
) -> None:
    server = serve(require_auth=False)
    line = new_line(server.address, tapped=True)
    digest = write_file(tmp_path / "big.bin", SIZE)
    line.plan(ActAfter(Way.UP, 20 * MIB, server.kill))
    running = new_shell(line.address).start("--json", "upload", "--jobs", "3", tmp_path / "big.bin")
    wait_until("the server was killed", lambda: not server.alive)
    there, before = written(server), len(line.links)
    line.target = server.restart().address
    done = running.wait()
    assert done.code == 0, done
    assert stored(server.data_dir) == {"big.bin": digest}
    assert before >= 3
    assert body(line, before) == SIZE - there
    assert inspect(server.data_dir, rehash=True).clean


def test_upload_in_pieces_is_resumed_over_one_connection_after_the_client_was_killed(
    open_server: Server, new_line: NewLine, new_shell: NewShell, tmp_path: Path
) -> None:
    line = new_line(open_server.address, tapped=True)
    shell = new_shell(line.address)
    digest = write_file(tmp_path / "big.bin", SIZE)
    line.plan(AfterBytes(Way.UP, 20 * MIB, Fault.STALL))
    running = shell.start("upload", "--jobs", "3", tmp_path / "big.bin")
    wait_until("20 MiB are through", lambda: line.links and line.links[0].passed(Way.UP) == 20 * MIB)
    running.kill()
    line.links[0].fail(Fault.CLOSE)
    done = shell.run("--json", "resume", tmp_path / "big.bin")
    (told,) = done.of("done")
    assert stored(open_server.data_dir) == {"big.bin": digest}
    assert body(line) == SIZE  # each byte once, over whatever connection
    assert 20 * MIB < told["resumed_from"] == SIZE - told["bytes_sent"]
    assert told["sha256"] == digest
    assert inspect(open_server.data_dir, rehash=True).clean


def test_download_in_pieces_goes_on_by_itself_after_the_server_was_killed(
    serve: Serve, new_line: NewLine, new_shell: NewShell, tmp_path: Path
) -> None:
    server = serve(require_auth=False)
    line = new_line(server.address, tapped=True)
    digest = write_file(tmp_path / "big.bin", SIZE)
    new_shell(server.address).run("upload", tmp_path / "big.bin")
    line.plan(ActAfter(Way.DOWN, 20 * MIB, server.kill))
    running = new_shell(line.address).start(
        "--json", "download", "--jobs", "3", "big.bin", "--output", tmp_path / "back.bin"
    )
    wait_until("the server was killed", lambda: not server.alive)
    line.target = server.restart().address
    done = running.wait()
    assert done.code == 0, done
    (told,) = done.of("done")
    assert (told["sha256"], told["bytes_received"]) == (digest, SIZE)


def test_pieces_of_others_are_not_found(open_server: Server) -> None:
    with Version2(open_server.address).log_in() as talk:
        status, _ = talk.ask("APPEND", upload_id="0" * 32, piece_id="1" * 32, offset=0)
        assert status == "FILE_NOT_FOUND"
