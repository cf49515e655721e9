"""GET over a real socket: many small files in one answer, each with a result of its own."""

import hashlib
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from fileshare.errors import StorageFailed
from fileshare.tcp import transfers
from fileshare.wire import messages as m
from fileshare.wire.connection import End
from tests.tcp.door import Door, Peer2, open_door

FILES = {f"d/{number}": bytes([number]) * number for number in range(50)}


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with open_door() as door:
        yield door


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def put(peer: Peer2, files: dict[str, bytes]) -> None:
    described = [
        m.PutFile(upload_id=f"{number:016}", path=path, size=len(data), digest=sha256(data), modified=5.5)
        for number, (path, data) in enumerate(files.items())
    ]
    peer.send_raw(peer.wire.send(m.Put(files=described)))
    for data in files.values():
        if data:
            peer.send_raw(peer.wire.segment(len(data)) + data)
            peer.wire.sent(len(data))
    results = await peer.next()
    assert isinstance(results, m.Results), results
    assert not [one for one in results.results if one.code]


async def get(peer: Peer2, *paths: str) -> list[tuple[m.GetResult, bytes]]:
    """The results of one GET, each with its bytes."""
    begin = await peer.call(m.Get(paths=list(paths)))
    assert isinstance(begin, m.GetBegin), begin
    return await took(peer, begin)


async def took(peer: Peer2, begin: m.GetBegin) -> list[tuple[m.GetResult, bytes]]:
    assert await peer.next() == End(size=sum(one.size for one in begin.results))
    body, found = bytes(peer.body), []
    peer.body.clear()
    for one in begin.results:
        found.append((one, body[: one.size]))
        body = body[one.size :]
    assert not body
    return found


async def test_many_files_come_in_one_answer(door: Door) -> None:
    async with door.peer2() as peer:
        await put(peer, FILES)
        found = await get(peer, *FILES)
        assert [data for _, data in found] == list(FILES.values())
        assert [one.digest for one, _ in found] == [sha256(data) for data in FILES.values()]
        assert {(one.version, one.modified, one.code) for one, _ in found} == {(1, 5.5, "")}


async def test_gets_may_be_pipelined_with_other_requests(door: Door) -> None:
    async with door.peer2() as peer:
        await put(peer, FILES)
        for paths in (["d/1"], ["d/2", "d/3"]):
            peer.send_raw(peer.wire.send(m.Get(paths=paths)))
        peer.send_raw(peer.wire.send(m.WhoAmI()))
        for count in (1, 2):
            begin = await peer.next()
            assert isinstance(begin, m.GetBegin)
            assert len(await took(peer, begin)) == count
        assert isinstance(await peer.next(), m.Identity)


async def test_what_fails_is_named_and_the_others_come(door: Door) -> None:
    async with door.peer2() as peer:
        await put(peer, {"a": b"1", "d/b": b"2"})
        await peer.call(m.Upload(upload_id="f" * 16, path="large"))
        peer.send_segments(b"x" * 101)
        peer.send_raw(peer.wire.end(101, sha256(b"x" * 101)))
        await peer.next()
        found = await get(peer, "../evil", "a", "none", "d", "large", "d/b", "")
        codes = [one.code for one, _ in found]
        assert codes == ["bad_name", "", "not_found", "conflict", "too_large", "", "bad_name"]
        assert [data for one, data in found if not one.code] == [b"1", b"2"]
        assert all(one.message for one, _ in found if one.code)


async def test_a_content_that_is_missing_is_named_and_the_others_come(door: Door) -> None:
    async with door.peer2() as peer:
        await put(peer, {"a": b"1", "b": b"22"})
        contents = door.world.catalog._contents
        contents[sha256(b"1")] = replace(contents[sha256(b"1")], data=b"")
        found = await get(peer, "a", "b")
        assert [(one.code, data) for one, data in found] == [("damaged", b""), ("", b"22")]


async def test_an_answer_holds_as_much_as_one_may_and_the_rest_is_asked_for_again(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfers, "_GET_BYTES", 100)
    async with door.peer2() as peer:
        await put(peer, FILES)
        paths, found = list(FILES), []
        while paths:
            some = await get(peer, *paths)
            assert len(some) == 1 or sum(one.size for one, _ in some) <= 100
            found += some
            paths = paths[len(some) :]
        assert [data for _, data in found] == list(FILES.values())


async def test_no_paths_get_no_files(door: Door) -> None:
    async with door.peer2() as peer:
        assert await get(peer) == []


async def test_a_disk_that_fails_is_told_for_all_and_the_connection_lives_on(door: Door) -> None:
    async with door.peer2() as peer:
        await put(peer, {"a": b"1"})
        door.world.catalog.fail("small_contents", StorageFailed())
        error = await peer.call(m.Get(paths=["a"]))
        assert isinstance(error, m.Error)
        assert error.code == "storage_failed"
        assert len(await get(peer, "a")) == 1


async def test_a_stranger_gets_nothing(door: Door) -> None:
    async with door.peer(Peer2) as peer:
        await peer.call(m.Hello(version_wanted=2))
        assert isinstance(await peer.call(m.Get(paths=["a"])), m.AuthRequired)


async def test_every_file_leaves_its_event(door: Door) -> None:
    async with door.peer2() as peer:
        await put(peer, {"a": b"1", "b": b"22"})
        await get(peer, "a", "none", "b")
    await door.world.shop.audit.flush()
    events = [event for event in await door.world.events.events(10) if event.action == "download"]
    assert sorted((event.path, event.outcome, event.detail) for event in events) == [
        ("a", "ok", "version 1, bytes 0 to 1 of 1"),
        ("b", "ok", "version 1, bytes 0 to 2 of 2"),
        ("none", "not_found", ""),
    ]
