"""A server that means harm, before our client: names, texts, sizes and answers that were not asked for."""

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from fileshare.errors import Forbidden
from fileshare.wire import messages as m
from tests.client.scripted import Half, ScriptedServer, Stored, Talk
from tests.client.typed import Run

EVIL = [
    "\x1b[2J\x1b]0;yours\x07",
    "\x9b31m",
    "a\rb",
    "line\n2026-01-01 12:00  all is well",
    "\u202egpj.exe",
    "\x08\x08\x08",
    "[bold red]markup[/]",
]
CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def is_harmless(text: str) -> bool:
    return CONTROLS.search(text) is None


@pytest.mark.parametrize("name", EVIL)
def test_name_moves_no_cursor_and_forges_no_line(server: ScriptedServer, run: Run, name: str) -> None:
    server.files[f"docs/{name}"] = Stored(b"x")
    for words in (["list", "docs"], ["list", "docs", "--recursive"], ["info", f"docs/{name}"]):
        ended = run(*words)
        assert is_harmless(ended.out + ended.err), words
        assert "\n2026-01-01" not in ended.out
    # Programs get it as it is, by the escapes of JSON.
    assert re.search(r"[\x00-\x09\x0b-\x1f]", run("list", "docs", "--json").out) is None


@pytest.mark.parametrize("text", EVIL)
def test_text_of_a_refusal_is_one_harmless_line(server: ScriptedServer, run: Run, text: str) -> None:
    server.faults.refuse["LIST"] = Forbidden(text)
    ended = run("list")
    assert ended.code != 0
    assert is_harmless(ended.err)
    assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize("text", EVIL)
def test_account_that_the_server_names_is_printed_harmlessly(
    server: ScriptedServer, run: Run, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(Talk, "on_whoami", lambda talk, _: talk.say(m.Identity(account=text, role=text)))
    monkeypatch.setattr(Talk, "on_auth", lambda talk, _: talk.say(m.AuthSuccess(role=text, account=text)))
    ended = run("whoami")
    assert is_harmless(ended.out + ended.err)


@pytest.mark.parametrize("text", EVIL)
def test_stored_name_is_printed_harmlessly(
    server: ScriptedServer, run: Run, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    Path("mine.bin").write_bytes(b"x" * 100_000)
    real = Talk._tell_stored
    monkeypatch.setattr(Talk, "_tell_stored", lambda talk, stored: real(talk, replace(stored, path=text)))
    ended = run("upload", "mine.bin")
    assert is_harmless(ended.out + ended.err)


@pytest.mark.parametrize(
    "path", ["../out", "/etc/out", "docs/../../out", "docs/./out", "docs//out", "docs/\x00", "", ".."]
)
def test_listing_writes_nothing_outside_of_what_was_asked_for(
    server: ScriptedServer, run: Run, tmp_path: Path, path: str
) -> None:
    server.files["docs/in.txt"] = Stored(b"inside")
    entry = server.entry("docs/in.txt")
    server.faults.listing = [entry, replace(entry, path=path)]
    server.files[path] = Stored(b"outside")
    assert run("download", "docs", "--recursive").code != 0
    written = {found.relative_to(tmp_path / "here") for found in (tmp_path / "here").rglob("*")}
    assert {str(found).split("/", maxsplit=1)[0] for found in written} <= {"docs"}
    assert not (tmp_path / "out").exists()
    assert not Path("/etc/out").exists()


def test_size_that_no_disk_has_takes_no_room(server: ScriptedServer, run: Run, tmp_path: Path) -> None:
    """Nothing is set aside for bytes that have not come."""
    server.files["huge.bin"] = Stored(b"x" * 100_000)
    server.faults.begin_as = lambda begin: replace(begin, size=2**53 - 1, length=2**53 - 1)
    assert run("download", "huge.bin").code != 0
    assert sum(found.stat().st_size for found in tmp_path.rglob("*") if found.is_file()) < 1 << 20
    assert not (tmp_path / "here" / "huge.bin").exists()


def test_more_bytes_than_announced_are_not_taken(server: ScriptedServer, run: Run, tmp_path: Path) -> None:
    server.files["more.bin"] = Stored(b"x" * 100_000)
    server.faults.begin_as = lambda begin: replace(begin, size=10, length=10)
    assert run("download", "more.bin").code != 0
    assert not (tmp_path / "here" / "more.bin").exists()


def test_upload_that_is_asked_for_beyond_its_end_is_refused(
    server: ScriptedServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("mine.bin").write_bytes(b"x" * 100_000)

    def on_upload(talk: Talk, request: m.Upload) -> None:
        server.halves[request.upload_id] = Half(request.path, "keep-both", None)
        talk.say(m.Ready(upload_id=request.upload_id, path=request.path, offset=2**53 - 1))

    monkeypatch.setattr(Talk, "on_upload", on_upload)
    ended = run("upload", "mine.bin")
    assert ended.code != 0
    assert "go on at" in ended.err


@pytest.mark.parametrize("lie", [{"size": 1}, {"digest": "0" * 64}, {"upload_id": "f" * 32}])
def test_answer_that_something_else_was_stored_is_no_success(
    server: ScriptedServer, run: Run, monkeypatch: pytest.MonkeyPatch, lie: dict[str, str]
) -> None:
    Path("mine.bin").write_bytes(b"x" * 100_000)
    real = Talk._tell_stored
    monkeypatch.setattr(Talk, "_tell_stored", lambda talk, stored: real(talk, replace(stored, **lie)))
    assert run("upload", "mine.bin").code != 0


def test_receipt_for_bytes_that_were_never_sent_is_no_success(
    server: ScriptedServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("mine.bin").write_bytes(b"x" * 100_000)

    def on_upload(talk: Talk, request: m.Upload) -> None:
        talk.say(m.Stored(upload_id=request.upload_id, path=request.path, version=1, size=7, digest="0" * 64))

    monkeypatch.setattr(Talk, "on_upload", on_upload)
    assert run("upload", "mine.bin").code != 0
