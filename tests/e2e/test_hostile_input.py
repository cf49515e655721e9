"""Hostile input gets one clear error or a closed connection, and everybody else goes on being served."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.frames import MESSAGE, frame
from tests.e2e.hostile import NAMES, Seat, attack, attacks, message, objection, take_seat
from tests.e2e.inspection import inspect, stored
from tests.e2e.patience import wait_until
from tests.e2e.servers import Server, peak_memory
from tests.e2e.sources import content
from tests.e2e.talk import Talk, Version1, Version2

MIB = 1 << 20


@pytest.fixture
def bystander(server: Server) -> Iterator[Version1]:
    """Someone honest, who must be served all the while."""
    with Version1(server.address).log_in() as talk:
        yield talk
        assert talk.names() == []


def test_every_attack_gets_one_clear_error_or_a_closed_connection(serve: Serve) -> None:
    server = serve(max_unauthenticated_per_address=100, login_failures=1000)
    with Version1(server.address).log_in() as bystander:
        objections = []
        for what in attacks():
            try:
                found = objection(attack(server.address, what))
            except TimeoutError:
                found = "the server neither answered nor closed"
            if found:
                objections.append(f"{what.name}: {found}")
            assert bystander.names() == []
        assert objections == []
    assert stored(server.data_dir) == {}
    assert not inspect(server.data_dir).lost


def test_no_name_becomes_a_path_on_disk(open_server: Server) -> None:
    before = _everything(open_server)
    for name in NAMES.values():
        with Version1(open_server.address) as talk:
            status, data = talk.ask("UPLOAD", filename=name, file_size=1, file_hash="0" * 64)
            assert status == "ERROR"
            assert data["code"] in {"bad_name", "protocol"}, name
    assert _everything(open_server) == before


def _everything(server: Server) -> set[Path]:
    found = {path for path in server.data_dir.parent.rglob("*") if "logs" not in path.parts}
    return found - {server.data_dir / f"fileshare.db-{kind}" for kind in ("wal", "shm")}


def test_who_says_nothing_is_closed_in_time(serve: Serve) -> None:
    server = serve(first_frame_seconds=1)
    with Talk(server.address) as silent, Talk(server.address) as dripping:
        dripping.send(b"\0\0")
        assert silent.closed()
        assert dripping.closed()


def test_a_first_frame_that_drips_is_closed_in_total_time(serve: Serve) -> None:
    server = serve(first_frame_seconds=1)
    started = time.monotonic()
    with Talk(server.address) as talk, pytest.raises(OSError):
        for byte in message("AUTH", username="a" * 200, password="b" * 200) * 10:
            talk.send(bytes([byte]))
            talk.socket.settimeout(0.05)
            try:
                assert not talk.socket.recv(1000)
                raise ConnectionError
            except TimeoutError:
                continue
    assert time.monotonic() - started < 15


def test_a_stalled_upload_is_cut_and_its_bytes_are_kept(serve: Serve) -> None:
    server = serve(require_auth=False, stall_seconds=1)
    data = content(MIB)
    with Version1(server.address) as talk:
        talk.begin("a.bin", data)
        talk.send(data[:500_000])
        assert talk.closed()
    with Version1(server.address) as talk:
        assert talk.finish_upload("a.bin", data)[0] == 500_000


def test_silent_strangers_give_way_and_honest_ones_get_in(serve: Serve) -> None:
    server = serve(max_unauthenticated=10, max_unauthenticated_per_address=5)
    with Version1(server.address).log_in() as bystander:
        strangers = [(f"127.0.0.{2 + number % 12}", 0) for number in range(60)]
        silent = [socket.create_connection(server.address, 20, stranger) for stranger in strangers]
        try:
            assert bystander.names() == []
            with Version1(server.address).log_in() as newcomer:
                assert newcomer.names() == []
        finally:
            for end in silent:
                end.close()


def test_a_flood_of_logins_stalls_nobody(serve: Serve) -> None:
    server = serve(max_unauthenticated_per_address=100)
    with Version1(server.address).log_in() as bystander:

        def guess(number: int) -> None:
            with Version1(server.address) as talk:
                for attempt in range(20):
                    if talk.ask("AUTH", username=f"u{number}", password=f"{attempt}")[0] != "AUTH_FAILED":
                        return

        threads = [threading.Thread(target=guess, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        slowest = 0.0
        while any(thread.is_alive() for thread in threads):
            started = time.monotonic()
            assert bystander.names() == []
            slowest = max(slowest, time.monotonic() - started)
        assert slowest < 5


def test_too_many_failures_are_told_and_the_right_password_does_not_help(serve: Serve) -> None:
    server = serve(login_failures=3)
    with Version1(server.address) as talk:
        for _ in range(3):
            assert talk.ask("AUTH", username="someone", password="wrong")[0] == "AUTH_FAILED"
        status, data = talk.ask("AUTH", username="someone", password="wrong")
    assert (status, data["code"]) == ("AUTH_FAILED", "too_many_attempts")
    assert data["retry_after"] > 0


def test_who_never_reads_replies_costs_no_memory(server: Server) -> None:
    with Version1(server.address).log_in() as writer:
        for number in range(50):
            writer.upload(f"{'x' * 200}{number}", b"x")
        before = peak_memory(server.pid)
        flood = threading.Thread(target=_ask_forever, args=(writer,), daemon=True)
        flood.start()
        with Version1(server.address).log_in() as bystander:
            for _ in range(20):
                assert len(bystander.names()) == 50
        writer.reset()
        flood.join(20)
    assert peak_memory(server.pid) - before < 64 * MIB


def _ask_forever(talk: Version1) -> None:
    talk.socket.settimeout(2)
    try:
        for _ in range(20_000):
            talk.say("LIST")
    except OSError:
        pass


def test_who_never_reads_a_download_costs_no_memory(server: Server) -> None:
    with Version1(server.address).log_in() as writer:
        writer.upload("big.bin", content(48 * MIB))
    before = peak_memory(server.pid)
    lazy = [Version1(server.address).log_in() for _ in range(5)]
    for talk in lazy:
        talk.say("DOWNLOAD", filename="big.bin")
    with Version1(server.address).log_in() as bystander:
        assert bystander.names() == ["big.bin"]
    for talk in lazy:
        talk.reset()
    assert peak_memory(server.pid) - before < 48 * MIB


def test_another_persons_upload_is_not_found(serve: Serve) -> None:
    server = serve()
    server.run("user", "add", "bob", "--password-stdin", stdin="correct horse battery\n")
    data = content(2 * MIB)
    with Version2(server.address).log_in() as owner:
        owner.begin("0123456789abcdef", "a.bin", size=len(data))
        owner.send_data(data[:MIB])
    with Version2(server.address).log_in("bob", "correct horse battery") as other:
        for command in ("RESUME", "ABORT"):
            status, told = other.ask(command, upload_id="0123456789abcdef")
            assert (status, told["code"]) == ("FILE_NOT_FOUND", "not_found")
        assert other.ask("UPLOADS") == ("OK", {"uploads": []})


def test_a_user_can_delete_nothing(serve: Serve) -> None:
    server = serve()
    server.run("user", "add", "bob", "--password-stdin", stdin="correct horse battery\n")
    with Version1(server.address).log_in() as admin:
        admin.upload("a.txt", b"1")
    with Version2(server.address).log_in("bob", "correct horse battery") as talk:
        for command in ("DELETE", "RESTORE"):
            status, told = talk.ask(command, path="a.txt")
            assert (status, told["code"]) == ("ERROR", "forbidden")
    assert set(stored(server.data_dir)) == {"a.txt"}


def test_random_bytes_never_stop_the_server(server: Server, bystander: Version1) -> None:
    for number in range(60):
        with Talk(server.address) as talk:
            noise = content(300, seed=number)
            talk.send(noise if number % 2 else frame(MESSAGE, noise))
            talk.finish()
            assert talk.closed()
    assert bystander.names() == []
    assert server.alive


def test_seats_are_real(server: Server) -> None:
    """The attackers' own starting points work, or their attacks would say nothing."""
    for seat in Seat:
        with take_seat(server.address, seat) as talk:
            assert talk.socket.fileno() > 0


def test_an_upload_given_up_in_version_2_can_be_resumed(open_server: Server) -> None:
    data = content(2 * MIB)
    with Version2(open_server.address) as talk:
        talk.begin("0123456789abcdef", "a.bin", size=len(data))
        talk.send_data(data[:MIB])
        talk.send(frame(3, b'{"code":"stopped","message":"later"}'))
        assert talk.final()[0] in {"OK", "ERROR"}
        assert talk.begin("0123456789abcdef", "a.bin", size=len(data)) == MIB
        talk.send_data(data[MIB:])
        talk.send_end(data)
        assert talk.final()[0] == "STORED"
    wait_until("nothing is left over", lambda: inspect(open_server.data_dir, rehash=True).clean)
