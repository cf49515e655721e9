"""Two who want the same thing at one moment: nothing is mixed, and each is told what became of theirs."""

import hashlib
import threading
from pathlib import Path

from tests.e2e.conftest import NewShell
from tests.e2e.inspection import half_done, inspect, stored
from tests.e2e.patience import wait_until
from tests.e2e.servers import Server
from tests.e2e.sources import content, write_file
from tests.e2e.talk import Data, Version1, Version2

MIB = 1 << 20


def test_two_uploads_of_one_name_are_both_kept_whole(open_server: Server) -> None:
    first, second = content(2 * MIB, seed=1), content(2 * MIB, seed=2)
    with Version1(open_server.address) as one, Version1(open_server.address) as two:
        one.begin("report.txt", first)
        two.begin("report.txt", second)
        for at in range(0, 2 * MIB, 65536):
            one.send(first[at : at + 65536])
            two.send(second[at : at + 65536])
        names = {one.stored()["filename"], two.stored()["filename"]}
    assert names == {"report.txt", "report_v2.txt"}
    digests = {hashlib.sha256(data).hexdigest() for data in (first, second)}
    assert set(stored(open_server.data_dir).values()) == digests
    assert inspect(open_server.data_dir, rehash=True).clean


def test_two_commands_with_one_name_are_both_kept_whole(
    open_server: Server, new_shell: NewShell, tmp_path: Path
) -> None:
    shells = [new_shell(open_server.address) for _ in range(2)]
    digests = {write_file(tmp_path / f"{n}" / "same.bin", 4 * MIB, seed=n) for n in range(2)}
    running = [s.start("--json", "upload", tmp_path / f"{n}" / "same.bin") for n, s in enumerate(shells)]
    told = {str(r.wait().of("done")[0]["path"]) for r in running}
    assert told == {"same.bin", "same_v2.bin"} == set(stored(open_server.data_dir))
    assert set(stored(open_server.data_dir).values()) == digests


def test_twenty_at_once_get_twenty_names(open_server: Server) -> None:
    final: list[str] = []

    def upload(number: int) -> None:
        with Version1(open_server.address) as talk:
            final.append(talk.upload("x.bin", content(50_000, seed=number))["filename"])

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(final) == sorted(["x.bin", *(f"x_v{n}.bin" for n in range(2, 21))])
    assert sorted(stored(open_server.data_dir)) == sorted(final)


def test_a_newcomer_takes_an_upload_over_and_the_old_one_is_told(open_server: Server) -> None:
    data = content(6 * MIB)
    with Version2(open_server.address) as old, Version2(open_server.address) as new:
        old.begin("0123456789abcdef", "a.bin", size=len(data))
        old.send_data(data[: 2 * MIB])
        wait_until("it arrived", lambda: half_done(open_server.data_dir)[0][2] == 2 * MIB)
        assert new.begin("0123456789abcdef", "a.bin", size=len(data)) == 2 * MIB
        assert [data["code"] for _, data in superseded(old)] == ["superseded"]
        new.send_data(data[2 * MIB :])
        new.send_end(data)
        status, final = new.final()
    assert (status, final["path"]) == ("STORED", "a.bin")
    assert inspect(open_server.data_dir, rehash=True).clean


def superseded(talk: Version2) -> list[tuple[str, Data]]:
    """What the old connection hears, without the checkpoints."""
    try:
        return [talk.final()]
    finally:
        talk.close()


def test_a_newcomer_gets_all_that_lies_unread_for_the_old_one(open_server: Server) -> None:
    """The old connection is dead but nobody knows; what had arrived is still drained and kept.

    What its own kernel still holds never arrived: how much that is, is the network's choice.
    """
    data = content(6 * MIB)
    old = Version1(open_server.address)
    old.begin("a.bin", data)
    old.send_chunks(data, 0, 4 * MIB)
    with Version1(open_server.address) as new:
        start, final = new.finish_upload("a.bin", data)
    old.close()
    assert MIB <= start <= 4 * MIB
    assert final["filename"] == "a.bin"
    assert inspect(open_server.data_dir, rehash=True).clean


def test_a_race_of_resumes_ends_with_one_whole_file(open_server: Server) -> None:
    data = content(4 * MIB)
    with Version1(open_server.address) as talk:
        talk.begin("a.bin", data)
        talk.send_chunks(data, 0, MIB)
    finals: list[str] = []

    def resume() -> None:
        try:
            with Version1(open_server.address) as talk:
                finals.append(talk.finish_upload("a.bin", data)[1]["filename"])
        except (OSError, AssertionError):
            finals.append("lost")

    threads = [threading.Thread(target=resume) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "a.bin" in finals
    assert set(finals) <= {"a.bin", "lost"}
    assert list(stored(open_server.data_dir)) == ["a.bin"]
    wait_until("nothing is left over", lambda: inspect(open_server.data_dir, rehash=True).clean)
