"""Version 1 over a real socket, as the users' document has it, and what a peer gets wrong."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.services.workshop import ANNA, World
from tests.tcp.door import HEADER, Door, Peer, open_door

DATA = bytes(range(256)) * 40
HASH = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with open_door() as door:
        yield door


async def upload(
    peer: Peer, name: str = "a.txt", data: bytes = DATA, **more: object
) -> tuple[str, dict[str, object]]:
    digest = hashlib.sha256(data).hexdigest()
    status, ready = await peer.ask("UPLOAD", filename=name, file_size=len(data), file_hash=digest, **more)
    assert (status, ready["ready"], type(ready["temp_id"])) == ("OK", True, str)
    peer.send_raw(data)
    return await peer.reply()


async def test_upload_list_download(door: Door) -> None:
    async with door.peer1() as peer:
        status, done = await upload(peer)
        assert status == "OK"
        assert done == {"message": "Upload successful", "filename": "a.txt", "size": len(DATA), "hash": HASH}
        status, listed = await peer.ask("LIST")
        assert status == "OK"
        (file,) = listed["files"]
        assert (file["name"], file["size"], file["hash"]) == ("a.txt", len(DATA), HASH)
        assert isinstance(file["modified"], float)
        status, ready = await peer.ask("DOWNLOAD", filename="a.txt", start_byte=100)
        assert ready == {"filename": "a.txt", "file_size": len(DATA), "file_hash": HASH, "start_byte": 100}
        peer.send("DOWNLOAD_CONFIRM")
        assert await peer.reader.readexactly(len(DATA) - 100) == DATA[100:]
        status, _ = await peer.ask("LIST")
        assert status == "OK"


async def test_a_second_upload_becomes_v2_and_overwrite_a_version(door: Door) -> None:
    async with door.peer1() as peer:
        await upload(peer)
        assert (await upload(peer))[1]["filename"] == "a_v2.txt"
        assert (await upload(peer, data=b"new", overwrite=True))[1]["filename"] == "a.txt"
        _, listed = await peer.ask("LIST")
        assert [(file["name"], file["version"]) for file in listed["files"]] == [
            ("a.txt", 2),
            ("a_v2.txt", 1),
        ]


async def test_empty_file(door: Door) -> None:
    async with door.peer1() as peer:
        assert (await upload(peer, data=b""))[0] == "OK"
        status, ready = await peer.ask("DOWNLOAD", filename="a.txt")
        assert (status, ready["file_size"]) == ("OK", 0)
        assert (await peer.ask("LIST"))[0] == "OK"


async def test_upper_case_hex_is_accepted_and_lower_case_comes_back(door: Door) -> None:
    async with door.peer1() as peer:
        peer.send("UPLOAD", filename="a", file_size=len(DATA), file_hash=HASH.upper())
        await peer.reply()
        peer.send_raw(DATA)
        assert (await peer.reply())[1]["hash"] == HASH


async def test_resume_goes_on_where_the_connection_was_cut(door: Door) -> None:
    async with door.peer1() as peer:
        await peer.ask("UPLOAD", filename="a.txt", file_size=len(DATA), file_hash=HASH)
        peer.send_raw(DATA[:5000])
        peer.writer.write_eof()
        await peer.ended()
    async with door.peer1() as peer:
        status, ready = await peer.ask("RESUME", filename="a.txt", file_hash=HASH)
        assert (status, ready) == ("OK", {"bytes_received": 5000, "file_size": len(DATA)})
        peer.send_raw(DATA[5000:])
        assert (await peer.reply())[1]["filename"] == "a.txt"
        # Once more, as after a lost reply: at once the first answer.
        status, ready = await peer.ask("RESUME", filename="a.txt", file_hash=HASH)
        assert ready == {"bytes_received": len(DATA), "file_size": len(DATA)}
        assert (await peer.reply())[1]["filename"] == "a.txt"
        _, listed = await peer.ask("LIST")
        assert len(listed["files"]) == 1


async def test_a_reset_loses_nothing_that_was_read(door: Door) -> None:
    """A reset in mid upload: the resume offset is all that the server had read from its socket."""
    async with door.peer1() as peer:
        await peer.ask("UPLOAD", filename="a.txt", file_size=1 << 30, file_hash=HASH)
        peer.send_raw(DATA)
        await peer.writer.drain()
        (session,) = door.server.sessions
        while session.stream.bytes_read < len(DATA):
            await session.stream.wait_readable(None)
        peer.writer.transport.abort()
    async with door.peer1() as peer:
        _, ready = await peer.ask("RESUME", filename="a.txt", file_hash=HASH)
        assert ready["bytes_received"] == len(DATA)


async def test_a_newcomer_wins_and_the_old_connection_is_told(door: Door) -> None:
    async with door.peer1() as old, door.peer1() as newcomer:
        await old.ask("UPLOAD", filename="a.txt", file_size=1 << 30, file_hash=HASH)
        old.send_raw(DATA)
        _, ready = await newcomer.ask("RESUME", filename="a.txt", file_hash=HASH)
        assert ready["file_size"] == 1 << 30
        status, error = await old.reply()
        assert (status, error["code"]) == ("ERROR", "superseded")
        assert await old.ended() == b""


async def test_wrong_digest(door: Door) -> None:
    async with door.peer1() as peer:
        await peer.ask("UPLOAD", filename="a", file_size=3, file_hash=HASH)
        peer.send_raw(b"abc")
        assert (await peer.reply())[0] == "CHECKSUM_FAILED"
        assert (await peer.ask("RESUME", filename="a", file_hash=HASH))[0] == "FILE_NOT_FOUND"
        assert (await peer.ask("LIST"))[1] == {"files": []}


@pytest.mark.parametrize(
    ("command", "data", "status", "code"),
    [
        ("UPLOAD", {"filename": "../x", "file_size": 1, "file_hash": HASH}, "ERROR", "bad_name"),
        ("UPLOAD", {"filename": "x", "file_size": -1, "file_hash": HASH}, "ERROR", "bad_request"),
        ("UPLOAD", {"filename": "x", "file_size": True, "file_hash": HASH}, "ERROR", "bad_request"),
        ("UPLOAD", {"filename": "x", "file_size": 1 << 52, "file_hash": HASH}, "ERROR", "no_space"),
        ("UPLOAD", {"filename": "x", "file_size": 1, "file_hash": "abc"}, "ERROR", "bad_digest"),
        ("UPLOAD", {"filename": "x"}, "ERROR", "bad_request"),
        ("RESUME", {"filename": "x", "file_hash": HASH}, "FILE_NOT_FOUND", "not_found"),
        ("DOWNLOAD", {"filename": "nothing"}, "FILE_NOT_FOUND", "not_found"),
        ("DOWNLOAD", {"filename": "there", "start_byte": 11}, "ERROR", "bad_offset"),
        ("DOWNLOAD", {"filename": "there", "start_byte": -1}, "ERROR", "bad_offset"),
        ("DOWNLOAD", {"filename": "there", "start_byte": "1"}, "ERROR", "bad_offset"),
        ("DOWNLOAD", {"filename": "there", "start_byte": True}, "ERROR", "bad_offset"),
        ("STAT", {"path": "there"}, "ERROR", "bad_request"),
        ("FORMAT", {}, "ERROR", "bad_request"),
    ],
)
async def test_a_refused_request_leaves_the_connection_usable(
    door: Door, command: str, data: dict[str, object], status: str, code: str
) -> None:
    async with door.peer1() as peer:
        await upload(peer, "there", b"0123456789")
        got, error = await peer.ask(command, **data)
        assert (got, error["code"]) == (status, code)
        assert error["message"]
        assert (await peer.ask("LIST"))[0] == "OK"


async def test_unknown_fields_are_ignored_in_version_1(door: Door) -> None:
    async with door.peer1() as peer:
        assert (await peer.ask("LIST", whatever=1))[0] == "OK"


@pytest.mark.parametrize("command", ["LIST", "UPLOAD", "DOWNLOAD", "RESUME", "DOWNLOAD_CONFIRM", "NONSENSE"])
async def test_any_command_before_auth_is_told_to_log_in(door: Door, command: str) -> None:
    async with door.peer() as peer:
        assert (await peer.ask(command))[0] == "AUTH_REQUIRED"
        await peer.log_in()


async def test_a_wrong_password_fails_and_may_be_tried_again(door: Door) -> None:
    async with door.peer() as peer:
        assert (await peer.ask("AUTH", username="anna", password="wrong"))[0] == "AUTH_FAILED"
        assert (await peer.ask("AUTH", username="nobody", password="wrong"))[0] == "AUTH_FAILED"
        await peer.log_in()


@pytest.mark.parametrize(
    "raw",
    [
        HEADER.pack(1 << 20),
        HEADER.pack(2**63),
        HEADER.pack(4097),
        HEADER.pack(3) + b"{}}",
        HEADER.pack(2) + b"\xff\xfe",
        HEADER.pack(26) + b'{"command":1,"command":2}\n',
        HEADER.pack(40) + b"[" * 20 + b"]" * 20,
        HEADER.pack(0),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
async def test_nonsense_gets_one_error_and_a_closed_connection(door: Door, raw: bytes) -> None:
    async with door.peer() as peer, door.peer1() as friend:
        peer.send_raw(raw)
        status, error = await peer.reply()
        assert (status, error["code"]) == ("ERROR", "protocol")
        assert await peer.ended() == b""
        assert (await friend.ask("LIST"))[0] == "OK"


async def test_a_full_disk_amid_a_short_body_is_told_after_it_and_the_connection_lives_on(door: Door) -> None:
    async with door.peer1() as peer:
        await peer.ask("UPLOAD", filename="a", file_size=len(DATA), file_hash=HASH)
        from fileshare.errors import NoSpace

        door.world.blobs.fail("receive", NoSpace())
        peer.send_raw(DATA)
        status, error = await peer.reply()
        assert (status, error["code"]) == ("ERROR", "no_space")
        assert (await peer.ask("LIST"))[0] == "OK"


async def test_a_failure_amid_a_long_body_is_the_last_word(door: Door) -> None:
    async with door.peer1() as peer:
        await peer.ask("UPLOAD", filename="a", file_size=1 << 30, file_hash=HASH)
        from fileshare.errors import NoSpace

        door.world.blobs.fail("receive", NoSpace())
        peer.send_raw(DATA)
        status, error = await peer.reply()
        assert (status, error["code"]) == ("ERROR", "no_space")
        assert await peer.ended() == b""


async def test_list_over_the_limit_names_paging() -> None:
    async with open_door(list_limit=1) as door, door.peer1() as peer:
        await upload(peer, "a")
        await upload(peer, "b")
        status, error = await peer.ask("LIST")
        assert (status, error["code"]) == ("ERROR", "too_many")
        assert "version 2" in error["message"]


async def test_a_list_of_several_pages_is_one_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fileshare.tcp.version1.PAGE", 2)
    async with open_door() as door, door.peer1() as peer:
        for name in "abcde":
            await upload(peer, name)
        status, answer = await peer.ask("LIST")
        assert (status, [file["name"] for file in answer["files"]]) == ("OK", list("abcde"))
        assert (await peer.ask("LIST"))[1] == answer


async def test_without_require_auth_anyone_may_do_what_a_user_may() -> None:
    async with open_door(require_auth=False) as door, door.peer() as peer:
        assert (await upload(peer))[0] == "OK"
        assert (await peer.ask("LIST"))[1]["files"][0]["owner"]


async def test_without_require_auth_nobody_needs_a_seat_once_it_has_spoken() -> None:
    limits: dict[str, Any] = {"max_unauthenticated": 2, "max_unauthenticated_per_address": 2}
    async with open_door(None, require_auth=False, **limits) as door, AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(door.peer()) for _ in range(2)]
        for _ in range(4):
            assert (await peers[-1].ask("LIST"))[0] == "OK"
            peers.append(await stack.enter_async_context(door.peer()))
        assert (await peers[2].ask("LIST"))[0] == "OK"


@pytest.mark.parametrize("require_auth", [True, False])
async def test_a_silent_connection_is_closed(require_auth: bool) -> None:
    async with open_door(require_auth=require_auth, first_frame_seconds=0.05) as door, door.peer() as peer:
        peer.send_raw(HEADER.pack(100) + b"{")
        assert await peer.ended() == b""


async def test_the_oldest_silent_stranger_gives_way() -> None:
    async with (
        open_door(max_unauthenticated=2, moment=0) as door,
        door.peer() as silent,
        door.peer() as spoken,
    ):
        assert (await spoken.ask("LIST"))[0] == "AUTH_REQUIRED"
        async with door.peer1():
            assert await silent.ended() == b""
            assert (await spoken.ask("LIST"))[0] == "AUTH_REQUIRED"


async def test_silent_connections_do_not_shut_out_a_friend_at_the_same_address() -> None:
    async with open_door(max_unauthenticated_per_address=2) as door:
        async with AsyncExitStack() as silent:
            for _ in range(10):
                await silent.enter_async_context(door.peer())
            async with door.peer1() as friend:
                assert (await friend.ask("LIST"))[0] == "OK"


async def test_nobody_waits_to_be_read_behind_strangers_of_the_same_address() -> None:
    async with open_door(max_unauthenticated_per_address=1, moment=0.2) as door:
        async with door.peer() as first, door.peer() as second:
            assert (await first.ask("LIST"))[0] == "AUTH_REQUIRED"
            assert (await second.ask("LIST"))[0] == "AUTH_REQUIRED"
            assert await first.ended() == b""
            assert (await second.ask("LIST"))[0] == "AUTH_REQUIRED"


async def test_drain_leaves_uploads_resumable() -> None:
    world = World()
    async with open_door(world) as door, door.peer1() as peer:
        await peer.ask("UPLOAD", filename="a", file_size=1 << 30, file_hash=HASH)
        peer.send_raw(DATA)
        await peer.writer.drain()
        (session,) = door.server.sessions
        while session.stream.bytes_read < len(DATA):
            await session.stream.wait_readable(None)
        await door.server.drain(0.4)
    (upload_row,) = await world.catalog.uploads()
    assert upload_row.offset == len(DATA)
    assert ANNA
