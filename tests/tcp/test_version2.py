"""Version 2 over a real socket: tokens, segments, receipts, pipelined PUTs, ranges, files and rights."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator

import pytest
from msgspec import UNSET

from fileshare.errors import NoSpace
from fileshare.tcp.handlers import HANDLERS
from fileshare.wire import messages as m
from fileshare.wire import states
from fileshare.wire.connection import End
from tests.services.workshop import World
from tests.tcp.door import Door, Peer2, open_door

DATA = bytes(range(256)) * 40
HASH = hashlib.sha256(DATA).hexdigest()
ID = "0123456789abcdef"


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with open_door() as door:
        yield door


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def upload(peer: Peer2, path: str = "a.txt", data: bytes = DATA, upload_id: str = ID) -> m.Stored:
    ready = await peer.call(m.Upload(upload_id=upload_id, path=path))
    assert isinstance(ready, m.Ready)
    peer.send_segments(data[ready.offset :])
    peer.send_raw(peer.wire.end(len(data), sha256(data)))
    stored = await peer.next()
    assert isinstance(stored, m.Stored), stored
    return stored


def test_every_request_has_a_handler() -> None:
    known = {form for allowed in states.ALLOWED.values() for form in allowed}
    assert set(HANDLERS) == known


async def test_upload_and_download_with_everything_told(door: Door) -> None:
    async with door.peer2() as peer:
        stored = await upload(peer)
        assert stored == m.Stored(upload_id=ID, path="a.txt", version=1, size=len(DATA), digest=HASH)
        begin = await peer.call(m.Download(path="a.txt", offset=5, length=10))
        assert isinstance(begin, m.DownloadBegin)
        assert (begin.offset, begin.length, begin.size, begin.digest) == (5, 10, len(DATA), HASH)
        assert isinstance(await peer.next(), End)
        assert peer.body == DATA[5:15]


async def test_a_range_of_other_content_comes_whole(door: Door) -> None:
    async with door.peer2() as peer:
        await upload(peer)
        begin = await peer.call(m.Download(path="a.txt", offset=5, if_digest="0" * 64))
        assert isinstance(begin, m.DownloadBegin)
        assert begin.offset == 0
        await peer.next()
        assert peer.body == DATA


async def test_a_repeated_upload_is_answered_by_its_receipt(door: Door) -> None:
    async with door.peer2() as peer:
        first = await upload(peer)
        assert await peer.call(m.Upload(upload_id=ID, path="a.txt")) == first
        assert await peer.call(m.Resume(upload_id=ID)) == first
        assert await peer.call(m.Resume(path="a.txt", digest=HASH)) in (
            first,
            m.FileNotFound(
                message="There is no such half-done upload of yours: upload the file from the start."
            ),
        )


async def test_upload_goes_on_after_an_abort_and_after_a_cut(door: Door) -> None:
    async with door.peer2() as peer:
        await peer.call(m.Upload(upload_id=ID, path="a.txt"))
        peer.send_segments(DATA[:1000])
        peer.send_raw(peer.wire.abort("cancelled", "later"))
        assert isinstance(await peer.next(), m.Done)
        uploads = await peer.call(m.Uploads())
        assert isinstance(uploads, m.UploadList)
        assert [(one.upload_id, one.offset) for one in uploads.uploads] == [(ID, 1000)]
        await peer.call(m.Upload(upload_id=ID, path="a.txt"))
        peer.send_segments(DATA[1000:2000])
        peer.writer.write_eof()
        await peer.ended()
    async with door.peer2() as peer:
        ready = await peer.call(m.Resume(upload_id=ID))
        assert isinstance(ready, m.Ready)
        assert ready.offset == 2000
        peer.send_segments(DATA[2000:])
        peer.send_raw(peer.wire.end(len(DATA), HASH))
        assert isinstance(await peer.next(), m.Stored)


async def test_checkpoints_are_told_while_bytes_come() -> None:
    async with open_door(World(checkpoint_seconds=0.01)) as door, door.peer2() as peer:
        await peer.call(m.Upload(upload_id=ID, path="a.txt"))
        peer.send_segments(DATA[:1000])
        told = await peer.next()
        assert told == m.Checkpoint(upload_id=ID, offset=1000)


async def test_a_refusal_amid_segments_comes_at_once_and_the_connection_lives_on(door: Door) -> None:
    async with door.peer2() as peer:
        await peer.call(m.Upload(upload_id=ID, path="a.txt"))
        door.world.blobs.fail("receive", NoSpace())
        peer.send_segments(DATA)
        error = await peer.next()
        assert isinstance(error, m.Error)
        assert error.code == "no_space"
        peer.send_raw(peer.wire.abort("refused", "heard"))
        assert isinstance(await peer.call(m.WhoAmI()), m.Identity)


async def test_more_bytes_than_announced_are_refused(door: Door) -> None:
    async with door.peer2() as peer:
        await peer.call(m.Upload(upload_id=ID, path="a.txt", size=10))
        peer.send_segments(DATA[:11], 11)
        error = await peer.next()
        assert isinstance(error, m.Error)
        assert error.code == "too_large"
        peer.send_raw(peer.wire.abort("refused", "heard"))
        assert isinstance(await peer.call(m.WhoAmI()), m.Identity)


async def test_wrong_digest_at_the_end(door: Door) -> None:
    async with door.peer2() as peer:
        await peer.call(m.Upload(upload_id=ID, path="a.txt"))
        peer.send_segments(DATA)
        peer.send_raw(peer.wire.end(len(DATA), "0" * 64))
        assert isinstance(await peer.next(), m.ChecksumFailed)
        assert isinstance(await peer.call(m.Stat(path="a.txt")), m.FileNotFound)


def put_file(number: int, data: bytes) -> m.PutFile:
    return m.PutFile(upload_id=f"{number:032d}", path=f"d/{number}", size=len(data), digest=sha256(data))


async def test_puts_are_pipelined_and_their_results_come_in_order(door: Door) -> None:
    async with door.peer2() as peer:
        for batch in range(5):
            bodies = [f"{batch}-{number}".encode() for number in range(10)]
            files = [put_file(batch * 10 + number, body) for number, body in enumerate(bodies)]
            peer.send_raw(peer.wire.send(m.Put(files=files)))
            whole = b"".join(bodies)
            peer.send_raw(peer.wire.segment(len(whole)) + whole)
            peer.wire.sent(len(whole))
        results: list[m.PutResult] = []
        while len(results) < 50:
            reply = await peer.next()
            assert isinstance(reply, m.Results)
            results += reply.results
        assert [one.path for one in results] == [f"d/{number}" for number in range(50)]
        page = await peer.call(m.List(path="d", limit=7))
        assert isinstance(page, m.EntryPage)
        assert (len(page.entries), page.next is not None) == (7, True)


async def test_a_put_of_empty_files_and_a_refused_one(door: Door) -> None:
    async with door.peer2() as peer:
        bad = m.PutFile(upload_id="f" * 32, path="../x", size=0, digest=sha256(b""))
        peer.send_raw(peer.wire.send(m.Put(files=[put_file(1, b""), bad])))
        reply = await peer.next()
        assert isinstance(reply, m.Results)
        assert [(one.path, one.code) for one in reply.results] == [("d/1", ""), ("", "bad_name")]


async def test_a_put_over_the_window_ends_the_connection() -> None:
    async with open_door(window_uploads=1) as door, door.peer2() as peer:
        peer.send_raw(peer.wire.send(m.Put(files=[put_file(1, b"a"), put_file(2, b"b")])))
        error = await peer.next()
        assert isinstance(error, m.Error)
        assert await peer.ended() == b""


async def test_a_file_that_is_there_is_stored_without_its_bytes(door: Door) -> None:
    async with door.peer2() as peer:
        await upload(peer)
        challenge = await peer.call(m.Have(digest=HASH, size=len(DATA)))
        assert isinstance(challenge, m.Challenge)
        assert isinstance(challenge.nonce, str)
        proof = sha256(bytes.fromhex(challenge.nonce) + DATA)
        prove = m.Prove(upload_id="1" * 32, path="b", digest=HASH, size=len(DATA), proof=proof)
        stored = await peer.call(prove)
        assert isinstance(stored, m.Stored)
        assert stored.path == "b"
        again = await peer.call(prove)
        assert isinstance(again, m.Error)


async def test_unknown_content_is_not_challenged(door: Door) -> None:
    async with door.peer2() as peer:
        assert await peer.call(m.Have(digest=HASH, size=1)) == m.Challenge()


async def test_folders_moves_versions_and_the_trash(door: Door) -> None:
    async with door.peer2("root") as peer:
        await upload(peer)
        assert isinstance(await peer.call(m.MakeFolder(path="x/y")), m.EntryInfo)
        moved = await peer.call(m.Move(path="a.txt", to="x/y/b.txt"))
        assert isinstance(moved, m.EntryInfo)
        assert moved.path == "x/y/b.txt"
        versions = await peer.call(m.Versions(path="x/y/b.txt"))
        assert isinstance(versions, m.VersionList)
        assert [one.digest for one in versions.versions] == [HASH]
        restored = await peer.call(m.Restore(path="x/y/b.txt", version=1))
        assert isinstance(restored, m.EntryInfo)
        assert restored.version == 2
        assert isinstance(await peer.call(m.Delete(path="x")), m.Done)
        assert isinstance(await peer.call(m.Stat(path="x/y/b.txt")), m.FileNotFound)
        assert isinstance(await peer.call(m.Restore(path="x")), m.EntryInfo)
        listed = await peer.call(m.List(recursive=True))
        assert isinstance(listed, m.EntryPage)
        assert [one.path for one in listed.entries] == ["x", "x/y", "x/y/b.txt"]
        assert isinstance(await peer.call(m.Delete(path="x", forever=True)), m.Done)


@pytest.mark.parametrize(
    "request_",
    [m.Delete(path="a.txt"), m.Delete(path="a.txt", forever=True), m.Restore(path="a.txt", version=1)],
)
async def test_what_only_an_admin_may_is_forbidden(door: Door, request_: m.Request) -> None:
    async with door.peer2() as peer:
        await upload(peer)
        error = await peer.call(request_)
        assert isinstance(error, m.Error)
        assert error.code == "forbidden"


async def test_another_accounts_upload_is_not_found(door: Door) -> None:
    async with door.peer2() as anna, door.peer2("bert") as bert:
        await anna.call(m.Upload(upload_id=ID, path="a.txt"))
        anna.send_segments(DATA[:10])
        anna.send_raw(anna.wire.abort("x", "y"))
        await anna.next()
        assert isinstance(await bert.call(m.Resume(upload_id=ID)), m.FileNotFound)
        assert isinstance(await bert.call(m.Abort(upload_id=ID)), m.FileNotFound)
        assert isinstance(await anna.call(m.Abort(upload_id=ID)), m.Done)


async def test_a_token_logs_in_until_logout(door: Door) -> None:
    async with door.peer(Peer2) as peer:
        token = (await peer.hello()).token
        assert isinstance(token, str)
        async with door.peer(Peer2) as other:
            await other.call(m.Hello(version_wanted=2))
            success = await other.call(m.Login(token=token))
            assert isinstance(success, m.AuthSuccess)
            assert (success.account, success.token) == ("anna", UNSET)
        assert isinstance(await peer.call(m.Logout()), m.Done)
        assert isinstance(await peer.call(m.WhoAmI()), m.AuthRequired)
        assert isinstance(await peer.call(m.Login(token=token)), m.AuthFailed)


async def test_requests_pipelined_behind_hello(door: Door) -> None:
    async with door.peer(Peer2) as peer:
        token = (await peer.hello()).token
        assert isinstance(token, str)
        async with door.peer(Peer2) as other:
            for request in (m.Hello(version_wanted=2), m.Login(token=token), m.WhoAmI(), m.List()):
                other.send_raw(other.wire.send(request))
            forms = [type(await other.next()) for _ in range(4)]
            assert forms == [m.Welcome, m.AuthSuccess, m.Identity, m.EntryPage]


async def test_unknown_fields_are_refused_in_version_2(door: Door) -> None:
    async with door.peer2() as peer:
        peer.wire._pending.append(m.WhoAmI)
        peer.send("WHOAMI", surprise=1)
        error = await peer.next()
        assert isinstance(error, m.Error)
        assert "surprise" in error.message


async def test_download_confirm_and_hello_are_errors_in_version_2(door: Door) -> None:
    async with door.peer2() as peer:
        for command in ("DOWNLOAD_CONFIRM", "HELLO"):
            peer.wire._pending.append(m.WhoAmI)
            peer.send(command)
            assert isinstance(await peer.next(), m.Error)


async def test_blob_that_went_missing_ends_the_download_before_its_first_byte(door: Door) -> None:
    async with door.peer2() as peer:
        await upload(peer)
        door.world.blobs.stored.clear()
        error = await peer.call(m.Download(path="a.txt"))
        assert isinstance(error, m.Error)
        assert error.code == "damaged"


async def test_modified_time_is_kept(door: Door) -> None:
    async with door.peer2() as peer:
        now = round(time.time(), 3)
        ready = await peer.call(m.Upload(upload_id=ID, path="a.txt", modified=now))
        assert isinstance(ready, m.Ready)
        peer.send_raw(peer.wire.end(0, sha256(b"")))
        await peer.next()
        entry = await peer.call(m.Stat(path="a.txt"))
        assert isinstance(entry, m.EntryInfo)
        assert entry.modified == now


async def test_a_disabled_accounts_connections_end(door: Door) -> None:
    async with door.peer2() as peer:
        await peer.call(m.Upload(upload_id=ID, path="a.txt"))
        (session,) = door.server.sessions
        assert session.known_caller is not None
        door.server._end_account(session.known_caller.account.id, None)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await peer.next()


async def test_receipts_tell_what_is_stored_and_nothing_of_others(door: Door) -> None:
    async with door.peer2() as peer, door.peer2("bert") as bert:
        await upload(peer)
        asked = m.Receipts(upload_ids=[ID, "f" * 32])
        told = await peer.call(asked)
        assert told == m.ReceiptList(results=[m.PutResult(upload_id=ID, path="a.txt", version=1)])
        assert await bert.call(asked) == m.ReceiptList(results=[])
