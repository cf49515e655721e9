"""A small server in threads, over the real wire core, that misbehaves where a test says so.

Keeps files, uploads and receipts in memory with the same promises as the real one, and
counts what it read, so that a test can tell whether a byte was sent twice.
"""

import hashlib
import secrets
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec import UNSET

from fileshare.errors import BadOffset, BadRequest, FileshareError, NotFound
from fileshare.wire import messages as m
from fileshare.wire.connection import Aborted, Body, End, ServerConnection, Unauthenticated

TOKEN = "a-token"
PASSWORD = "right"


class Cut(Exception):
    """The script says that the connection ends here."""


@dataclass
class Stored:
    """A file of the scripted server."""

    content: bytes
    modified: float = 1_700_000_000.0
    version: int = 1

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@dataclass
class Half:
    """An upload that is under way."""

    path: str
    on_conflict: str
    size: int | None
    content: bytearray = field(default_factory=bytearray)
    piece: bool = False


@dataclass
class Faults:
    """What goes wrong, each once, unless it says otherwise."""

    cut_after_received: list[int] = field(default_factory=list)
    """End connections once so many bytes of bodies were read since the last cut."""
    cut_after_sent: list[int] = field(default_factory=list)
    at_received: dict[int, Callable[[], None]] = field(default_factory=dict)
    """Called once so many bytes of bodies have come in all."""
    lose_replies: int = 0
    """End the connection instead of telling that something is stored, so many times."""
    refuse: dict[str, FileshareError] = field(default_factory=dict)
    """Answer a command by that error, always."""
    refuse_body_at: dict[int, FileshareError] = field(default_factory=dict)
    """Refuse an upload when so many bytes of it have come; once each."""
    corrupt_downloads: int = 0
    begin_as: Callable[[m.DownloadBegin], m.DownloadBegin] | None = None
    results_as: Callable[[list[m.GetResult]], list[m.GetResult]] | None = None
    """What a GET's answer says, while the bytes stay what they are."""
    get_bytes: int = 1 << 20
    """Of one answer to a GET."""
    listing: list[m.EntryInfo] | None = None
    no_checkpoints: bool = False


class ScriptedServer:
    """Listens on loopback; one thread for each connection."""

    limits = m.Limits(
        frame=64 << 10, segment=4 << 20, put_size=32 << 10, window_uploads=256, window_bytes=4 << 20
    )

    def __init__(self) -> None:
        self.files: dict[str, Stored] = {}
        self.folders: set[str] = set()
        self.halves: dict[str, Half] = {}
        self.receipts: dict[str, m.Stored] = {}
        self.faults = Faults()
        self.features = ["get"]
        self.requests: list[m.Request] = []
        self.body_bytes = 0
        self.connections = 0
        self.stored_times = 0
        self._received = 0
        self._sent = 0
        self._lock = threading.RLock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def close(self) -> None:
        _shut(self._listener)  # accept() does not wake up from a close alone
        self._listener.close()
        for connection in list(self._open):
            _shut(connection)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _serve(self, connection: socket.socket) -> None:
        try:
            Talk(self, connection).run()
        except (Cut, OSError):
            pass
        finally:
            self._open.discard(connection)
            _shut(connection)
            connection.close()

    # What it keeps

    def took(self, count: int) -> None:
        """Count bytes of a body, and cut where the script says so."""
        with self._lock:
            self.body_bytes += count
            self._received += count
            for at in [at for at in self.faults.at_received if self.body_bytes >= at]:
                self.faults.at_received.pop(at)()
            if self.faults.cut_after_received and self._received >= self.faults.cut_after_received[0]:
                self.faults.cut_after_received.pop(0)
                self._received = 0
                raise Cut

    def may_send(self, count: int) -> tuple[int, bool]:
        """How many of so many bytes go out, and whether the line is cut after them."""
        with self._lock:
            cuts = self.faults.cut_after_sent
            if cuts and self._sent + count >= cuts[0]:
                allowed = cuts.pop(0) - self._sent
                self._sent = 0
                return max(allowed, 0), True
            self._sent += count
            return count, False

    def store(self, upload_id: str, path: str, on_conflict: str, content: bytes, modified: float) -> m.Stored:
        with self._lock:
            if upload_id in self.receipts:
                return self.receipts[upload_id]
            self.stored_times += 1
            there = self.files.get(path)
            if there is not None and on_conflict == "keep-both":
                number = 2
                stem, dot, ending = path.rpartition(".")
                while (path := f"{stem}_v{number}{dot}{ending}") in self.files:
                    number += 1
                there = None
            version = there.version + 1 if there is not None else 1
            self.files[path] = stored = Stored(content, modified, version)
            receipt = m.Stored(
                upload_id=upload_id, path=path, version=version, size=len(content), digest=stored.digest
            )
            self.receipts[upload_id] = receipt
            self.halves.pop(upload_id, None)
            return receipt

    def entry(self, path: str) -> m.EntryInfo:
        if path in self.files:
            stored = self.files[path]
            return m.EntryInfo(
                path=path,
                kind="file",
                modified=stored.modified,
                size=len(stored.content),
                digest=stored.digest,
                version=stored.version,
                owner="anna",
                created=0.0,
            )
        if path in self.folders or any(name.startswith(path + "/") for name in self.files):
            return m.EntryInfo(path=path, kind="folder", modified=0.0)
        raise NotFound(f"There is nothing at {path!r}.")

    def listing(self, folder: str, *, recursive: bool) -> list[m.EntryInfo]:
        if self.faults.listing is not None:
            return self.faults.listing
        prefix = folder + "/" if folder else ""
        paths = set(self.folders)
        for path in self.files:
            parts = path.split("/")
            paths |= {"/".join(parts[: depth + 1]) for depth in range(len(parts))}
        below = [path for path in paths if path.startswith(prefix) and path != folder]
        return [self.entry(path) for path in sorted(below) if recursive or "/" not in path[len(prefix) :]]


class Talk:
    """One connection."""

    def __init__(self, server: ScriptedServer, connection: socket.socket) -> None:
        self.server = server
        self.connection = connection
        self.wire = ServerConnection()

    def run(self) -> None:
        while (request := self.next()) is not None:
            if not isinstance(request, m.Request):
                continue
            if isinstance(request, Unauthenticated):
                self.say(m.AuthRequired())
                continue
            self.server.requests.append(request)
            refused = self.server.faults.refuse.get(request.command)
            try:
                if refused is not None:
                    raise refused
                getattr(self, f"on_{request.command.lower()}")(request)
            except NotFound as error:
                self.say(m.FileNotFound(message=error.message))
            except FileshareError as error:
                self.say(m.Error(code=error.code, message=error.message))

    def next(self) -> object:
        """The next event; None at the end of the connection."""
        while True:
            want = self.wire.wants()
            if isinstance(want, Body):  # of an upload that was refused
                self.wire.took(len(self.connection.recv(want.count)))
                continue
            if want is None:
                return None
            data = self._exactly(want.count)
            if data is None:
                return None
            event = self.wire.receive(data)
            if event is not None:
                return event

    def _exactly(self, count: int) -> bytes | None:
        data = b""
        while len(data) < count:
            more = self.connection.recv(count - len(data))
            if not more:
                return None
            data += more
        return data

    def body(self, limit: int) -> bytes | End | Aborted | None:
        """The next bytes of a segmented body, or how it ended."""
        while True:
            want = self.wire.wants()
            if isinstance(want, Body):
                data = self.connection.recv(min(limit, want.count))
                if not data:
                    return None
                self.wire.took(len(data))
                return data
            if want is None:
                return None
            raw = self._exactly(want.count)
            if raw is None:
                return None
            event = self.wire.receive(raw)
            if isinstance(event, End | Aborted):
                return event

    def say(self, reply: m.Reply) -> None:
        self.connection.sendall(self.wire.send(reply))

    # The commands

    def on_hello(self, _: m.Hello) -> None:
        self.say(
            m.Welcome(
                version=2,
                server="scripted",
                features=self.server.features,
                limits=self.server.limits,
                authenticated=False,
            )
        )

    def on_auth(self, request: m.Login) -> None:
        if request.token == TOKEN:
            self.say(m.AuthSuccess(role="user", account="anna"))
        elif request.password == PASSWORD:
            self.say(m.AuthSuccess(role="user", account=request.username, token=TOKEN, expires_at=4e9))
        else:
            self.say(m.AuthFailed())

    def on_whoami(self, _: m.WhoAmI) -> None:
        self.say(m.Identity(account="anna", role="user"))

    def on_logout(self, _: m.Logout) -> None:
        self.say(m.Done())

    def on_stat(self, request: m.Stat) -> None:
        self.say(self.server.entry(request.path))

    def on_list(self, request: m.List) -> None:
        found = self.server.listing(request.path, recursive=request.recursive)
        start = int(request.cursor or 0)
        page = found[start : start + 3]  # small pages, so that paging is always tested
        more = str(start + 3) if start + 3 < len(found) else None
        self.say(m.EntryPage(entries=page, next=more))

    def on_mkdir(self, request: m.MakeFolder) -> None:
        self.server.folders.add(request.path)
        self.say(self.server.entry(request.path))

    def on_move(self, request: m.Move) -> None:
        self.server.entry(request.path)
        self.server.files[request.to] = self.server.files.pop(request.path)
        self.say(self.server.entry(request.to))

    def on_delete(self, request: m.Delete) -> None:
        self.server.entry(request.path)
        self.server.files.pop(request.path, None)
        self.say(m.Done())

    def on_restore(self, request: m.Restore) -> None:
        self.say(self.server.entry(request.path))

    def on_versions(self, request: m.Versions) -> None:
        entry = self.server.entry(request.path)
        one = m.VersionInfo(
            version=1, digest=str(entry.digest), size=3, modified=0.0, created=0.0, owner="anna"
        )
        self.say(m.VersionList(path=request.path, versions=[one]))

    def on_uploads(self, _: m.Uploads) -> None:
        self.say(
            m.UploadList(
                uploads=[
                    m.UploadInfo(
                        upload_id=upload_id,
                        path=half.path,
                        offset=len(half.content),
                        created=0.0,
                        expires=0.0,
                        size=UNSET if half.size is None else half.size,
                    )
                    for upload_id, half in self.server.halves.items()
                ]
            )
        )

    def on_receipts(self, request: m.Receipts) -> None:
        known = [self.server.receipts[one] for one in request.upload_ids if one in self.server.receipts]
        results = [m.PutResult(upload_id=one.upload_id, path=one.path, version=one.version) for one in known]
        self.say(m.ReceiptList(results=results))

    def on_abort(self, request: m.Abort) -> None:
        if self.server.halves.pop(request.upload_id, None) is None:
            raise NotFound("There is no such upload.")
        self.say(m.Done())

    def on_upload(self, request: m.Upload) -> None:
        size = None if request.size is UNSET else int(request.size)
        half = Half(request.path, request.on_conflict, size, piece=request.piece)
        self._receive(request.upload_id, half, 0.0 if request.modified is UNSET else float(request.modified))

    def on_append(self, request: m.Append) -> None:
        whole = self.server.halves[request.upload_id]
        piece = self.server.halves.get(request.piece_id)
        if len(whole.content) < request.offset:
            raise BadOffset("append what is before it first")
        if piece is not None and len(whole.content) == request.offset:
            assert len(piece.content) == piece.size
            whole.content += piece.content
            del self.server.halves[request.piece_id]
        self._may_tell()
        self.say(m.Appended(upload_id=request.upload_id, offset=len(whole.content)))

    def on_resume(self, request: m.Resume) -> None:
        if request.upload_id is UNSET or request.upload_id not in self.server.halves:
            raise NotFound("There is no such half-done upload of yours.")
        upload_id = str(request.upload_id)
        self._receive(upload_id, self.server.halves[upload_id], 0.0)

    def _receive(self, upload_id: str, new: Half, modified: float) -> None:
        if upload_id in self.server.receipts:
            self._tell_stored(self.server.receipts[upload_id])
            return
        half = self.server.halves.setdefault(upload_id, new)
        self.say(m.Ready(upload_id=upload_id, path=half.path, offset=len(half.content)))
        told = len(half.content)
        while isinstance(got := self.body(64 << 10), bytes):
            half.content += got
            self.server.took(len(got))
            if self._refuses(half):
                return
            if len(half.content) - told >= 1 << 20 and not self.server.faults.no_checkpoints:
                told = len(half.content)
                self.say(m.Checkpoint(upload_id=upload_id, offset=told))
        if got is None:
            raise Cut
        if isinstance(got, Aborted):
            self.say(m.Done())
            return
        digest = hashlib.sha256(half.content).hexdigest()
        if half.piece and (got.size, got.digest) == (len(half.content), digest):
            self._may_tell()
            self.say(m.Done())
            return
        if (got.size, got.digest) != (len(half.content), digest):
            del self.server.halves[upload_id]
            self.say(m.ChecksumFailed())
            return
        self._tell_stored(
            self.server.store(upload_id, half.path, half.on_conflict, bytes(half.content), modified)
        )

    def _refuses(self, half: Half) -> bool:
        for at, error in list(self.server.faults.refuse_body_at.items()):
            if len(half.content) >= at:
                del self.server.faults.refuse_body_at[at]
                self.connection.sendall(
                    self.wire.refuse_rest(m.Error(code=error.code, message=error.message))
                )
                return True
        return False

    def _tell_stored(self, stored: m.Stored) -> None:
        self._may_tell()
        self.say(stored)

    def _may_tell(self) -> None:
        if self.server.faults.lose_replies:
            self.server.faults.lose_replies -= 1
            raise Cut

    def on_put(self, request: m.Put) -> None:
        results = []
        for file in request.files:
            content = b""
            while len(content) < file.size:
                got = self.body(file.size - len(content))
                if not isinstance(got, bytes):
                    raise Cut
                content += got
                self.server.took(len(got))
            results.append(self._put_one(file, content, request.on_conflict))
        self.wire.put_done()
        self._may_tell()
        self.say(m.Results(results=results))

    def _put_one(self, file: m.PutFile, content: bytes, on_conflict: str) -> m.PutResult:
        if hashlib.sha256(content).hexdigest() != file.digest:
            return m.PutResult(upload_id=file.upload_id, code="digest_mismatch", message="wrong bytes")
        refused = self.server.faults.refuse.get(file.path)
        if refused is not None:
            return m.PutResult(upload_id=file.upload_id, code=refused.code, message=refused.message)
        modified = 0.0 if file.modified is UNSET else float(file.modified)
        stored = self.server.store(file.upload_id, file.path, on_conflict, content, modified)
        return m.PutResult(upload_id=file.upload_id, path=stored.path, version=stored.version)

    def on_get(self, request: m.Get) -> None:
        results, body = [], bytearray()
        for path in request.paths:
            stored = self.server.files.get(path)
            refused = self.server.faults.refuse.get(path)
            if refused is not None or stored is None:
                error = refused or NotFound(f"There is nothing at {path!r}.")
                results.append(m.GetResult(code=error.code, message=error.message))
                continue
            if len(stored.content) > self.server.limits.put_size:
                results.append(m.GetResult(code="too_large", message="use DOWNLOAD"))
                continue
            if results and len(body) + len(stored.content) > self.server.faults.get_bytes:
                break
            content = bytearray(stored.content)
            if self.server.faults.corrupt_downloads and content:
                self.server.faults.corrupt_downloads -= 1
                content[len(content) // 2] ^= 1
            body += content
            results.append(
                m.GetResult(
                    version=stored.version,
                    size=len(content),
                    digest=stored.digest,
                    modified=stored.modified,
                )
            )
        told = results if self.server.faults.results_as is None else self.server.faults.results_as(results)
        self.say(m.GetBegin(results=told))
        self._send_body(bytes(body))
        self.connection.sendall(self.wire.end(len(body)))

    def on_download(self, request: m.Download) -> None:
        if request.path not in self.server.files:
            raise NotFound(f"There is nothing at {request.path!r}.")
        stored = self.server.files[request.path]
        other = request.if_digest is not UNSET and request.if_digest != stored.digest
        offset = 0 if other else request.offset
        if offset > len(stored.content):
            raise BadRequest("beyond the end")
        whole = len(stored.content) - offset
        length = whole if other or request.length is UNSET else min(whole, int(request.length))
        begin = m.DownloadBegin(
            path=request.path,
            version=stored.version,
            size=len(stored.content),
            digest=stored.digest,
            modified=stored.modified,
            offset=offset,
            length=length,
        )
        if self.server.faults.begin_as is not None:
            begin = self.server.faults.begin_as(begin)
        self.say(begin)
        content = bytearray(stored.content[offset : offset + length])
        if self.server.faults.corrupt_downloads and content:
            self.server.faults.corrupt_downloads -= 1
            content[len(content) // 2] ^= 1
        self._send_body(bytes(content))
        self.connection.sendall(self.wire.end(length, stored.digest))

    def _send_body(self, content: bytes) -> None:
        for at in range(0, len(content), 100_000):
            piece = content[at : at + 100_000]
            self.connection.sendall(self.wire.segment(len(piece)))
            allowed, cut = self.server.may_send(len(piece))
            self.connection.sendall(piece[:allowed])
            if cut:
                raise Cut

    def on_have(self, request: m.Have) -> None:
        self.nonce = secrets.token_bytes(32)
        there = any(file.digest == request.digest for file in self.server.files.values())
        self.say(m.Challenge(nonce=self.nonce.hex() if there else UNSET))

    def on_prove(self, request: m.Prove) -> None:
        content = next(file.content for file in self.server.files.values() if file.digest == request.digest)
        if request.proof != hashlib.sha256(self.nonce + content).hexdigest():
            self.say(m.ChecksumFailed())
            return
        self.say(self.server.store(request.upload_id, request.path, request.on_conflict, content, 0.0))


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
