"""A download goes on where it stopped, whatever ended it, and what is renamed into place is right."""

from pathlib import Path

from tests.e2e.conftest import NewLine, NewShell, Serve
from tests.e2e.inspection import digest_of
from tests.e2e.patience import wait_until
from tests.e2e.rules import ActAfter, AfterBytes, Fault, Way
from tests.e2e.servers import Server
from tests.e2e.shells import Shell
from tests.e2e.sources import content, write_file
from tests.e2e.talk import Version1

MIB = 1 << 20
SIZE = 12 * MIB


def put(server: Server, size: int = SIZE) -> bytes:
    """Store big.bin."""
    data = content(size)
    with Version1(server.address) as talk:
        talk.upload("big.bin", data)
    return data


def part_of(shell: Shell) -> Path | None:
    """The half-done download in the current folder."""
    return next(iter(shell.work.rglob("*.part")), None)


def test_download_goes_on_by_itself_after_the_line_was_cut(
    open_server: Server, new_line: NewLine, new_shell: NewShell
) -> None:
    data = put(open_server)
    for cut in (
        AfterBytes(Way.DOWN, 600, Fault.RESET),
        AfterBytes(Way.DOWN, 4 * MIB + 5, Fault.CLOSE),
        AfterBytes(Way.DOWN, SIZE + 100, Fault.RESET),
    ):
        line = new_line(open_server.address, tapped=True)
        line.plan(cut)
        shell = new_shell(line.address)
        shell.run("download", "big.bin")
        assert (shell.work / "big.bin").read_bytes() == data, cut
        if cut.fault is Fault.CLOSE:
            assert sum(link.body(Way.DOWN) for link in line.links) == SIZE, cut
        assert part_of(shell) is None, cut


def test_download_is_resumed_after_the_client_was_killed(
    open_server: Server, new_line: NewLine, new_shell: NewShell
) -> None:
    data = put(open_server)
    line = new_line(open_server.address, tapped=True)
    line.plan(AfterBytes(Way.DOWN, 5 * MIB, Fault.STALL))
    shell = new_shell(line.address)
    running = shell.start("download", "big.bin")
    wait_until("most of 5 MiB is written", lambda: (p := part_of(shell)) and p.stat().st_size > 4 * MIB)
    running.kill()
    part = part_of(shell)
    assert part is not None
    written = part.stat().st_size
    shell.run("download", "big.bin", "--resume")
    assert (shell.work / "big.bin").read_bytes() == data
    assert line.links[-1].body(Way.DOWN) == SIZE - written
    assert part_of(shell) is None


def test_download_goes_on_by_itself_after_the_server_was_killed(
    serve: Serve, new_line: NewLine, new_shell: NewShell
) -> None:
    server = serve(require_auth=False)
    data = put(server)
    line = new_line(server.address, tapped=True)
    line.plan(ActAfter(Way.DOWN, 5 * MIB, server.kill))
    shell = new_shell(line.address)
    running = shell.start("download", "big.bin")
    wait_until("the server was killed", lambda: not server.alive)
    line.target = server.restart().address
    assert running.wait().code == 0
    assert (shell.work / "big.bin").read_bytes() == data


def test_download_of_a_file_that_changed_meanwhile_is_never_a_mixture(
    open_server: Server, new_line: NewLine, new_shell: NewShell, tmp_path: Path
) -> None:
    put(open_server)
    line = new_line(open_server.address)
    line.plan(AfterBytes(Way.DOWN, 5 * MIB, Fault.STALL))
    shell = new_shell(line.address)
    running = shell.start("download", "big.bin")
    wait_until("some of it is written", lambda: (p := part_of(shell)) and p.stat().st_size > MIB)
    running.kill()
    newer = content(SIZE, seed=1)
    with Version1(open_server.address) as talk:
        talk.upload("big.bin", newer, overwrite=True)
    shell.run("download", "big.bin", "--resume")
    assert (shell.work / "big.bin").read_bytes() == newer


def test_a_version_1_client_resumes_a_download_by_byte(open_server: Server) -> None:
    data = put(open_server, 3 * MIB)
    with Version1(open_server.address) as talk:
        talk.say("DOWNLOAD", filename="big.bin", start_byte=0)
        talk.hear()
        begun = talk.read(1_000_001)
        talk.reset()
    with Version1(open_server.address) as talk:
        assert begun + talk.download("big.bin", len(begun)) == data
        assert talk.download("big.bin", len(data)) == b""


def test_what_was_downloaded_is_what_was_uploaded(
    open_server: Server, new_shell: NewShell, tmp_path: Path
) -> None:
    digest = write_file(tmp_path / "source.bin", SIZE)
    shell = new_shell(open_server.address)
    shell.run("upload", tmp_path / "source.bin", "--to", "folder")
    shell.run("download", "folder/source.bin", "--output", tmp_path / "back.bin")
    assert digest_of(tmp_path / "back.bin") == digest


def test_a_folder_of_small_files_goes_on_after_the_client_was_killed(
    open_server: Server, new_line: NewLine, new_shell: NewShell, tmp_path: Path
) -> None:
    files = {f"tree/d{number % 7}/{number}": content(4096, seed=number) for number in range(600)}
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    new_shell(open_server.address).run("upload", str(tmp_path / "tree"), "--recursive")
    line = new_line(open_server.address)
    line.plan(AfterBytes(Way.DOWN, 3 * MIB // 2, Fault.STALL))
    line.plan(AfterBytes(Way.DOWN, 3 * MIB // 2, Fault.STALL))
    shell = new_shell(line.address)
    running = shell.start("download", "tree", "--recursive")
    wait_until("some files are there", lambda: any((shell.work / "tree").glob("d*/*")))
    running.kill()
    for file in (shell.work / "tree").glob("d*/*"):
        assert file.read_bytes() == files[file.relative_to(shell.work).as_posix()]
    shell.run("download", "tree", "--recursive", "--resume")
    assert {path: (shell.work / path).read_bytes() for path in files} == files
    assert not list(shell.work.rglob(".fileshare-*"))
