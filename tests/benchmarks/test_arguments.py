"""The command line."""

from pathlib import Path

import pytest

from benchmarks.__main__ import PeersMissing, present
from benchmarks.arguments import parse
from benchmarks.peers import known
from benchmarks.plan import Load, Work
from tests.benchmarks.copy_peer import Absent, Copy

ONLY = (Work.LARGE_UP, Work.TUS_UP)
KNOWN = ["fileshare", "rsync", "scp", "nginx"]


def test_without_arguments_everybody_moves_what_the_promise_names() -> None:
    asked = parse([], KNOWN)

    assert asked.load == Load(size=1 << 30, files=10_000, file_size=4096, folders=100, many=200)
    assert asked.peers == tuple(KNOWN)
    assert not asked.write_docs
    assert not asked.earlier


def test_sizes_counts_runs_peers_and_folder_can_be_chosen() -> None:
    asked = parse(
        [
            "--size=2MiB",
            "--files=3",
            "--file-size=5",
            "--folders=2",
            "--many=4",
            "--many-size=6",
            "--works=tus-up,large-up",
            "--runs=7",
            "--peers=scp,rsync,scp",
            "--work-dir=w",
        ],
        KNOWN,
    )

    assert asked.load == Load(size=2 << 20, files=3, file_size=5, folders=2, many=4, many_size=6, only=ONLY)
    assert (asked.runs, asked.peers, asked.work_dir) == (7, ("scp", "rsync"), Path("w"))


def test_several_earlier_runs_can_be_shown_as_one() -> None:
    assert parse(["--from", "a.json", "b.json"], KNOWN).earlier == (Path("a.json"), Path("b.json"))


@pytest.mark.parametrize(
    "line",
    [
        "--peers nobody",
        "--size big",
        "--runs 0",
        "--folders 0",
        "--files=-1",
        "--many=-1",
        "--works up",
        "--size 0 --files 0 --many 0",
        "--works tus-up --size 0",
    ],
)
def test_nonsense_ends_with_a_usage_error(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(line.split(), KNOWN)

    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_every_file_of_a_peer_is_found_and_fileshare_is_the_reference() -> None:
    names = list(known())

    assert names[0] == "fileshare"
    assert set(names[1:]) == {"caddy", "copyparty", "nginx", "rclone", "rsync", "scp", "tus", "vsftpd"}


def test_a_missing_peer_is_named_and_ends_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(PeersMissing, match="make bench-peers"):
        present(parse(["--peers", "copy,absent"], ["copy", "absent"]), {"copy": Copy, "absent": Absent})

    assert capsys.readouterr().err == "absent can't take part: no-such-program is missing.\n"


def test_a_missing_peer_can_be_allowed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALLOW_MISSING", "1")

    there = present(parse(["--peers", "copy,absent"], ["copy", "absent"]), {"copy": Copy, "absent": Absent})

    assert there == [Copy]
    assert "absent can't take part" in capsys.readouterr().err


def test_nobody_left_is_an_error_even_if_missing_peers_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOW_MISSING", "1")

    with pytest.raises(PeersMissing):
        present(parse(["--peers", "absent"], ["absent"]), {"absent": Absent})
