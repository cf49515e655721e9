"""An upload goes on where it stopped, whatever ended it, and no byte that arrived is sent again."""

from pathlib import Path

from tests.e2e.conftest import NewLine, NewShell, Serve
from tests.e2e.inspection import half_done, inspect, stored
from tests.e2e.line import Line
from tests.e2e.patience import wait_until
from tests.e2e.rules import ActAfter, AfterBytes, Fault, LoseMessage, Way
from tests.e2e.servers import Server
from tests.e2e.sources import content, write_file
from tests.e2e.talk import Version1, Version2

MIB = 1 << 20
SIZE = 12 * MIB
CUTS = [
    AfterBytes(Way.UP, 700, Fault.RESET),
    AfterBytes(Way.UP, 64 * 1024, Fault.CLOSE),
    AfterBytes(Way.UP, 5 * MIB + 3, Fault.RESET),
    AfterBytes(Way.UP, SIZE - 1, Fault.CLOSE),
    AfterBytes(Way.UP, SIZE, Fault.RESET),
]
"""Around the first request, early, in the middle, in the last segment. `make acceptance` cuts everywhere."""


def last_offset(line: Line) -> int:
    """From where the server let the last upload on this line go on."""
    offset = line.heard("READY")[-1].heard("READY")[-1]["offset"]
    assert isinstance(offset, int)
    return offset


def acknowledged(line: Line) -> int:
    """The furthest offset that any checkpoint has told a client."""
    told = [told["offset"] for link in line.links for told in link.heard("CHECKPOINT")]
    return max((offset for offset in told if isinstance(offset, int)), default=0)


def test_upload_goes_on_by_itself_after_the_server_was_killed(
    serve: Serve, new_line: NewLine, new_shell: NewShell, tmp_path: Path
) -> None:
    server = serve(require_auth=False, checkpoint_bytes=MIB)
    line = new_line(server.address, tapped=True)
    digest = write_file(tmp_path / "big.bin", SIZE)
    line.plan(ActAfter(Way.UP, 7 * MIB, server.kill))
    running = new_shell(line.address).start("--json", "upload", tmp_path / "big.bin")
    wait_until("the server was killed", lambda: not server.alive)
    (_, row, written) = half_done(server.data_dir)[0]
    told = acknowledged(line)  # before the kill: what is told later covers what came later
    line.target = server.restart().address
    done = running.wait()
    assert done.code == 0, done
    assert stored(server.data_dir) == {"big.bin": digest}
    assert last_offset(line) == written >= max(row, told)
    assert line.links[-1].body(Way.UP) == SIZE - written
    assert inspect(server.data_dir, rehash=True).clean


def test_upload_is_resumed_after_the_client_was_killed(
    open_server: Server, new_line: NewLine, new_shell: NewShell, tmp_path: Path
) -> None:
    line = new_line(open_server.address, tapped=True)
    shell = new_shell(line.address)
    digest = write_file(tmp_path / "big.bin", SIZE)
    line.plan(AfterBytes(Way.UP, 5 * MIB, Fault.STALL))
    running = shell.start("upload", tmp_path / "big.bin")
    wait_until("5 MiB are through", lambda: line.links and line.links[0].passed(Way.UP) == 5 * MIB)
    running.kill()
    line.links[0].fail(Fault.CLOSE)
    sent = line.links[0].body(Way.UP)
    done = shell.run("--json", "resume", tmp_path / "big.bin")
    assert last_offset(line) == sent
    assert stored(open_server.data_dir) == {"big.bin": digest}
    (told,) = done.of("done")
    assert (told["resumed_from"], told["bytes_sent"], told["sha256"]) == (sent, SIZE - sent, digest)
    assert inspect(open_server.data_dir, rehash=True).clean


def test_upload_goes_on_by_itself_after_the_line_was_cut(
    open_server: Server, new_line: NewLine, new_shell: NewShell, tmp_path: Path
) -> None:
    for number, cut in enumerate(CUTS):
        line = new_line(open_server.address, tapped=True)
        name = f"big{number}.bin"
        digest = write_file(tmp_path / name, SIZE, seed=number)
        line.plan(cut)
        new_shell(line.address).run("--json", "upload", tmp_path / name)
        first = line.links[0]
        assert stored(open_server.data_dir)[name] == digest, cut
        if first.heard("READY"):
            overhead = first.passed(Way.UP) - first.body(Way.UP)
            floor = first.body(Way.UP) if cut.fault is Fault.CLOSE else first.server_had_read - overhead
            assert last_offset(line) >= floor, cut
            assert line.links[-1].body(Way.UP) == SIZE - last_offset(line), cut
    assert len(stored(open_server.data_dir)) == len(CUTS)
    assert inspect(open_server.data_dir, rehash=True).clean


def test_a_first_connection_that_fails_says_so_and_costs_nothing(
    open_server: Server, new_line: NewLine, new_shell: NewShell, tmp_path: Path
) -> None:
    """A server that never answered may be the wrong one, so the client does not insist."""
    digest = write_file(tmp_path / "big.bin", MIB)
    for cut in (AfterBytes(Way.UP, 1, Fault.CLOSE), AfterBytes(Way.DOWN, 1, Fault.RESET)):
        line = new_line(open_server.address, tapped=True)
        line.plan(cut)
        shell = new_shell(line.address)
        words = ("upload", "--on-conflict", "skip-same", tmp_path / "big.bin")
        assert shell.run(*words, expect=None).code in {0, 6}, cut
        shell.run(*words)
        assert stored(open_server.data_dir) == {"big.bin": digest}


def test_upload_goes_on_after_a_cut_in_front_of_a_message(
    serve: Serve, new_line: NewLine, new_shell: NewShell, tmp_path: Path
) -> None:
    server = serve(require_auth=False, checkpoint_bytes=MIB)
    expected: dict[str, str] = {}
    for status in ("READY", "CHECKPOINT", "STORED"):
        line = new_line(server.address, tapped=True)
        name = f"{status}.bin"
        expected[name] = write_file(tmp_path / name, SIZE, seed=len(expected))
        line.plan(LoseMessage(frozenset({status})))
        new_shell(line.address).run("upload", tmp_path / name)
        assert stored(server.data_dir) == expected
    assert inspect(server.data_dir, rehash=True).clean


def test_upload_survives_a_line_that_drips_and_fails_again_and_again(
    open_server: Server, new_line: NewLine, new_shell: NewShell, tmp_path: Path
) -> None:
    line = new_line(open_server.address, tapped=True, piece=20_000, pause=0.001)
    size = 2 * MIB
    digest = write_file(tmp_path / "big.bin", size)
    line.plan(*(AfterBytes(Way.UP, 600_000, Fault.CLOSE) for _ in range(3)))
    new_shell(line.address).run("upload", tmp_path / "big.bin")
    assert stored(open_server.data_dir) == {"big.bin": digest}
    assert sum(link.body(Way.UP) for link in line.links) == size


def test_a_version_1_client_resumes_by_name_and_digest(open_server: Server) -> None:
    data = content(3 * MIB)
    with Version1(open_server.address) as talk:
        talk.begin("a.bin", data)
        talk.send_chunks(data, 0, 1_234_567)
        talk.finish()
        assert talk.closed()
    with Version1(open_server.address) as talk:
        start, final = talk.finish_upload("a.bin", data)
    assert (start, final["filename"], final["size"]) == (1_234_567, "a.bin", len(data))
    assert inspect(open_server.data_dir, rehash=True).clean


def test_a_version_1_upload_survives_a_killed_server_to_the_byte(serve: Serve) -> None:
    server = serve(require_auth=False)
    data = content(3 * MIB)
    with Version1(server.address) as talk:
        talk.begin("a.bin", data)
        talk.send_chunks(data, 0, 2_000_001)
        wait_until("all of it is written", lambda: half_done(server.data_dir)[0][2] == 2_000_001)
        server.kill()
    with Version1(server.restart().address) as talk:
        start, final = talk.finish_upload("a.bin", data)
    assert (start, final["filename"]) == (2_000_001, "a.bin")
    assert inspect(server.data_dir, rehash=True).clean


def test_every_checkpoint_that_was_told_holds_after_a_kill(serve: Serve) -> None:
    server = serve(require_auth=False, checkpoint_bytes=MIB)
    data = content(16 * MIB)
    with Version2(server.address) as talk:
        talk.begin("0123456789abcdef", "a.bin", size=len(data))
        talk.send_data(data[: 14 * MIB])
        told = talk.checkpoint_from(3 * MIB)
        server.kill()
    assert half_done(server.data_dir)[0][1] >= told
    with Version2(server.restart().address) as talk:
        offset = talk.begin("0123456789abcdef", "a.bin", size=len(data))
        assert offset >= told
        talk.send_data(data[offset:])
        talk.send_end(data)
        status, final = talk.final()
    assert (status, final["path"]) == ("STORED", "a.bin")
    assert inspect(server.data_dir, rehash=True).clean


def test_a_stopped_server_drains_and_leaves_uploads_resumable(serve: Serve) -> None:
    server = serve(require_auth=False, drain_seconds=1)
    data = content(2 * MIB)
    with Version1(server.address) as talk:
        talk.begin("a.bin", data)
        talk.send_chunks(data, 0, MIB)
        wait_until("all of it is written", lambda: half_done(server.data_dir)[0][2] == MIB)
        assert server.stop() == 0
        assert talk.closed()
    with Version1(server.restart().address) as talk:
        assert talk.finish_upload("a.bin", data)[0] == MIB
