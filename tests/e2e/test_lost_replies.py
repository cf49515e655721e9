"""A reply lost between commit and client costs nothing: the first answer comes again, and no `_v2`."""

from pathlib import Path

from tests.e2e.conftest import NewLine, NewShell, Serve
from tests.e2e.inspection import inspect, stored
from tests.e2e.patience import wait_until
from tests.e2e.rules import Fault, LoseMessage, Way
from tests.e2e.servers import Server
from tests.e2e.sources import content, write_file, write_tree
from tests.e2e.talk import Version1

MIB = 1 << 20


def test_lost_answer_to_upload_comes_again(
    open_server: Server, new_line: NewLine, new_shell: NewShell, tmp_path: Path
) -> None:
    line = new_line(open_server.address, tapped=True)
    digest = write_file(tmp_path / "a.bin", 2 * MIB)
    lose = LoseMessage(frozenset({"STORED"}))
    line.plan(lose)
    done = new_shell(line.address).upload(tmp_path / "a.bin")
    assert lose.lost is not None
    assert done.of("done")[0]["path"] == "a.bin"
    assert stored(open_server.data_dir) == {"a.bin": digest}
    assert sum(link.body(Way.UP) for link in line.links) == 2 * MIB


def test_lost_answers_to_a_folder_of_small_files_come_again(
    open_server: Server, new_line: NewLine, new_shell: NewShell, tmp_path: Path
) -> None:
    line = new_line(open_server.address, tapped=True)
    files = write_tree(tmp_path / "tree", folders=5, files=200, size=4096)
    rules = [LoseMessage(frozenset({"RESULTS", "STORED"})) for _ in range(3)]
    line.plan(*rules)
    new_shell(line.address).run("upload", "--recursive", tmp_path / "tree")
    assert rules[0].lost is not None
    assert stored(open_server.data_dir) == {f"tree/{path}": digest for path, digest in files.items()}
    assert inspect(open_server.data_dir, rehash=True).clean


def test_lost_final_reply_of_version_1_comes_again_by_resume(open_server: Server) -> None:
    data = content(MIB)
    with Version1(open_server.address) as talk:
        talk.begin("a.bin", data)
        talk.send(data)
        wait_until("it is committed", lambda: "a.bin" in stored(open_server.data_dir))
        talk.reset()
    for _ in range(2):
        with Version1(open_server.address) as talk:
            start, final = talk.finish_upload("a.bin", data)
        assert (start, final["filename"], final["message"]) == (MIB, "a.bin", "Upload successful")
    assert list(stored(open_server.data_dir)) == ["a.bin"]


def test_lost_answer_survives_a_killed_server(
    serve: Serve, new_line: NewLine, new_shell: NewShell, tmp_path: Path
) -> None:
    server = serve(require_auth=False)
    line = new_line(server.address, tapped=True)
    digest = write_file(tmp_path / "a.bin", 2 * MIB)
    lose = LoseMessage(frozenset({"STORED"}), Fault.STALL)
    line.plan(lose)
    running = new_shell(line.address).start("--json", "upload", tmp_path / "a.bin")
    wait_until("the answer is lost", lambda: lose.lost is not None)
    server.kill()
    line.target = server.restart().address
    line.links[0].fail(Fault.RESET)
    done = running.wait()
    assert done.of("done")[0]["path"] == "a.bin"
    assert stored(server.data_dir) == {"a.bin": digest}


def test_a_new_upload_of_the_same_name_does_make_v2(open_server: Server) -> None:
    with Version1(open_server.address) as talk:
        assert talk.upload("a.bin", b"same")["filename"] == "a.bin"
        assert talk.upload("a.bin", b"same")["filename"] == "a_v2.bin"
