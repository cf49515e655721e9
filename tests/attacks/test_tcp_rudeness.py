"""Connections that are slow, stubborn or many on purpose at the TCP door: a good one is served."""

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest

from fileshare.errors import AuthFailed
from fileshare.services.room import Room
from fileshare.tcp.turns import AT_ONCE
from fileshare.wire import messages as m
from tests.tcp.door import Door, Peer, Peer2, open_door
from tests.tcp.test_version1 import HASH

PATIENCE = 30
"""Seconds for what must happen."""
DRIP = 0.01


async def drip(peer: Peer, first: bytes, each: bytes) -> None:
    """A little now and then, until the server has had enough."""
    peer.send_raw(first)
    async with asyncio.timeout(PATIENCE):
        with suppress(ConnectionError):
            while not peer.reader.at_eof():
                peer.send_raw(each)
                await peer.writer.drain()
                with suppress(TimeoutError):
                    # Python 3.11's wait_for forgets that it was cancelled where an answer came meanwhile.
                    async with asyncio.timeout(DRIP):
                        await peer.reader.read(1000)


async def kept(door: Door) -> int:
    """The offset of the only upload."""
    (left,) = await door.world.catalog.uploads()
    return left.offset


async def test_body_of_one_byte_now_and_then_is_cut_in_version_1_and_its_bytes_are_kept() -> None:
    async with open_door(stall_seconds=0.2) as door, door.peer1() as peer:
        assert (await peer.ask("UPLOAD", filename="a", file_size=10**9, file_hash=HASH))[0] == "OK"
        await drip(peer, b"", b"x")
        await _let_go(door)
        assert await kept(door) > 0


async def test_body_of_one_byte_now_and_then_is_cut_in_version_2_and_its_bytes_are_kept() -> None:
    async with open_door(stall_seconds=0.2) as door, door.peer2() as peer:
        assert isinstance(await peer.call(m.Upload(upload_id="u" * 16, path="a", size=10**9)), m.Ready)
        await drip(peer, b"", peer.wire.segment(1) + b"x")
        await _let_go(door)
        assert await kept(door) > 0


async def test_small_files_of_one_byte_now_and_then_are_cut() -> None:
    file = m.PutFile(upload_id="u" * 16, path="a", size=90_000, digest=HASH)
    async with open_door(stall_seconds=0.2, small_size=100_000) as door, door.peer2() as peer:
        peer.send_raw(peer.wire.send(m.Put(files=[file])))
        await drip(peer, b"", peer.wire.segment(1) + b"x")


async def _let_go(door: Door) -> None:
    async with asyncio.timeout(PATIENCE):
        while door.world.uploads.writers():
            await asyncio.sleep(0)


async def test_strangers_who_speak_without_end_keep_nobody_out() -> None:
    limits: dict[str, Any] = {"max_unauthenticated": 2, "max_unauthenticated_per_address": 2}
    async with open_door(moment=0.1, **limits) as door, AsyncExitStack() as stack:
        squatters = [await stack.enter_async_context(door.peer()) for _ in range(2)]
        talking = [asyncio.create_task(drip(peer, b"", _frame(peer))) for peer in squatters]
        async with asyncio.timeout(PATIENCE):
            await asyncio.sleep(0.2)
            async with door.peer1() as friend:
                assert (await friend.ask("LIST"))[0] == "OK"
        for task in talking:
            task.cancel()
        await asyncio.wait(talking)


def _frame(peer: Peer) -> bytes:
    body = b'{"command": "LIST", "data": {}}'
    return len(body).to_bytes(8, "big") + body


async def test_login_that_waits_to_be_checked_keeps_its_seat(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: dict[str, Any] = {"max_unauthenticated": 1, "max_unauthenticated_per_address": 1, "moment": 0}
    async with open_door(**limits) as door, door.peer() as slow:
        checked, begun = asyncio.Event(), asyncio.Event()
        accounts = door.server._services.accounts

        async def log_in(*_: object, **__: object) -> None:
            begun.set()
            await checked.wait()
            raise AuthFailed()

        monkeypatch.setattr(accounts, "log_in", log_in)
        slow.send("AUTH", username="anna", password="x")
        await begun.wait()
        async with door.peer() as second, door.peer():
            assert await second.ended() == b""
        checked.set()
        assert (await slow.reply())[0] == "AUTH_FAILED"


async def test_one_account_can_not_take_every_connection() -> None:
    async with open_door(room=Room(5)) as door, AsyncExitStack() as stack:
        greedy = [await stack.enter_async_context(door.peer1("bert")) for _ in range(3)]
        async with door.peer1() as anna, door.peer1() as second:
            assert (await anna.ask("LIST"))[0] == (await second.ask("LIST"))[0] == "OK"
            assert await greedy[0].ended() == b""
            assert (await greedy[-1].ask("LIST"))[0] == "OK"


async def test_where_every_connection_is_taken_a_stranger_gives_way_first() -> None:
    async with open_door(room=Room(3)) as door, door.peer1() as anna, door.peer(Peer2) as stranger:
        assert isinstance(await stranger.call(m.Hello(version_wanted=2)), m.Welcome)
        async with door.peer() as newcomer:
            assert (await newcomer.ask("LIST"))[0] == "AUTH_REQUIRED"
            assert await stranger.ended() == b""
            assert (await anna.ask("LIST"))[0] == "OK"


async def test_connection_ends_with_the_token_it_was_opened_by() -> None:
    async with open_door() as door, door.peer2() as peer, door.peer1() as other:
        door.world.clock.now += 31 * 86_400_000
        assert await door.server._services.accounts.expire_sessions() == 1
        assert await peer.ended() == b""
        assert (await other.ask("LIST"))[0] == "OK"


async def test_account_whose_lists_go_unread_waits_for_itself_alone() -> None:
    async with open_door() as door, door.peer1("bert") as greedy, door.peer1() as anna:
        async with AsyncExitStack() as unread:
            session = door.server.sessions[0]
            for _ in range(AT_ONCE):
                await unread.enter_async_context(session.services.lists.turn(session.holder))
            greedy.send("LIST")
            waiting = asyncio.ensure_future(greedy.reply())
            for _ in range(2):
                assert (await anna.ask("LIST"))[0] == "OK"
            assert not waiting.done()
        assert (await waiting)[0] == "OK"
