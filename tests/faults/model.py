"""Several clients on one server that fails, dies and starts again, beside a model of a few dictionaries.

The model says what must be listed and from where an upload may be gone on with. After an
error it takes over what the server shows, which must be the state before or the state after.
"""

import asyncio
import copy
import hashlib
import shutil
import tempfile
from collections.abc import Coroutine
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fileshare.domain.model import OnConflict, Receipt
from fileshare.errors import FileshareError
from fileshare.services.new_uploads import NewUpload
from fileshare.services.writer import Writer
from tests.e2e.inspection import inspect
from tests.faults.calls import Injector
from tests.faults.house import House, World, boot, house
from tests.faults.mishaps import survived
from tests.faults.operations import pattern
from tests.storage.conftest import RAM
from tests.storage.streams import Pieces

CLIENTS = ("ann", "ben", "cy")
clients = st.sampled_from(CLIENTS)
paths = st.sampled_from(["a", "b", "docs/c"])
sizes = st.sampled_from([0, 10, 4096, 4097, 30_000])


@dataclass
class Sending:
    """One client's upload, as it knows it."""

    id: str
    path: str
    data: bytes
    told: int = 0
    """The largest offset that the server has named: it never goes below."""


@dataclass
class Model:
    """What there must be."""

    files: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Each path's digests, the newest first."""
    trash: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    """The newest last."""
    sendings: dict[str, Sending] = field(default_factory=dict)

    def differs(self, world: World) -> str:
        """What is other than it must be; nothing where all is well."""
        files = {path: tuple(digest for _, digest in found) for path, found in world.files.items()}
        if files != self.files:
            return f"files {files} instead of {self.files}"
        trash = tuple(sorted(path for path, _ in self.trash))
        if trash != world.trash:
            return f"trash {world.trash} instead of {trash}"
        sendings = {sending.id: sending for sending in self.sendings.values()}
        if world.uploads.keys() != sendings.keys():
            return f"uploads {world.uploads} instead of {sorted(sendings)}"
        for name, offset in world.uploads.items():
            if not sendings[name].told <= offset <= len(sendings[name].data):
                return f"upload {name} at {offset}, told was {sendings[name].told}"
        return ""


class Clients(RuleBasedStateMachine):
    """The rules are what clients, the disk and the machine do."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp(dir=RAM if RAM.is_dir() else None, prefix="fileshare-model-"))
        self.data = self.place / "0"
        self.model = Model()
        self.after = Model()
        self.writers: dict[str, Writer] = {}
        self.begun = 0
        self.ends = ExitStack()
        self.ends.callback(shutil.rmtree, self.place)
        self.runner = self.ends.enter_context(asyncio.Runner())
        self.injector = self.ends.enter_context(Injector(self.place, survived()[0]()).installed())
        self.ends.enter_context(boot(1, self.place / "kernel"))
        self.home = self._open()

    # How it is driven

    def _open(self) -> House:
        self.open = AsyncExitStack()
        return self.runner.run(self.open.enter_async_context(house(self.data)))

    def _close(self) -> None:
        self.runner.run(self._let_go())
        self.runner.run(self.open.aclose())

    async def _let_go(self) -> None:
        for writer in self.writers.values():
            await writer.release()
        self.writers.clear()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        """Something of a client's; `after` is what must be when it was told of no error."""
        self.injector.arm()
        try:
            self.runner.run(asyncio.wait_for(work, 120))
            self.injector.disarm()
        except FileshareError:
            self.injector.disarm()
            self.restart()
            if self.after.differs(self._look()):
                self.after = self.model
        self.model = self.after

    def _look(self) -> World:
        return self.runner.run(self.home.look())

    def _plan(self) -> Model:
        self.after = copy.deepcopy(self.model)
        return self.after

    # What clients do

    @rule(client=clients, path=paths, size=sizes)
    def begin(self, client: str, path: str, size: int) -> None:
        if client in self.model.sendings:
            return
        self.begun += 1
        sending = Sending(f"{client} {self.begun}", path, pattern(f"{client}{self.begun}", size))
        self._plan().sendings[client] = sending
        self._do(self._begin(client, sending))

    async def _begin(self, client: str, sending: Sending) -> None:
        digest = hashlib.sha256(sending.data).hexdigest()
        new = NewUpload(sending.path, len(sending.data), digest, OnConflict.REPLACE, client_id=sending.id)
        writer = await self.home.services.uploads.begin(self.home.caller, new, self._hand_over(client))
        assert isinstance(writer, Writer)
        self.writers[client] = writer

    def _hand_over(self, client: str) -> Any:
        """What a door does when a newcomer wants the upload that it holds."""

        def let_go() -> None:
            asyncio.get_running_loop().create_task(self.writers[client].release())

        return let_go

    @precondition(lambda self: self.model.sendings)
    @rule(client=clients)
    def come_back(self, client: str) -> None:
        """From another connection, whether or not the old one is known to be gone."""
        if client in self.model.sendings:
            self._do(self._come_back(client, self._plan().sendings[client]))

    async def _come_back(self, client: str, sending: Sending) -> None:
        writer = await self.home.services.uploads.resume(
            self.home.caller, self._hand_over(client), upload_id=sending.id
        )
        assert isinstance(writer, Writer), "nobody has finished it"
        self.writers[client] = writer
        assert sending.told <= writer.offset <= len(sending.data)
        sending.told = writer.offset

    @precondition(lambda self: self.writers)
    @rule(client=clients, count=st.integers(1, 20_000), checkpoint=st.booleans())
    def send(self, client: str, count: int, checkpoint: bool) -> None:
        if client in self.writers:
            self._do(self._send(client, self._plan().sendings[client], count, checkpoint))

    async def _send(self, client: str, sending: Sending, count: int, checkpoint: bool) -> None:
        writer = self.writers[client]
        piece = sending.data[writer.offset : writer.offset + count]
        await writer.receive(Pieces(piece), len(piece))
        if checkpoint:
            sending.told = await writer.checkpoint()

    @precondition(lambda self: self.writers)
    @rule(client=clients)
    def finish(self, client: str) -> None:
        if client in self.writers:
            after = self._plan()
            sending = after.sendings.pop(client)
            digest = hashlib.sha256(sending.data).hexdigest()
            after.files[sending.path] = (digest, *after.files.get(sending.path, ()))
            self._do(self._finish(client, sending))

    async def _finish(self, client: str, sending: Sending) -> None:
        writer = self.writers[client]
        await self._send(client, sending, len(sending.data), False)
        receipt = await writer.finish()
        del self.writers[client]
        assert isinstance(receipt, Receipt) and receipt.path == sending.path

    @precondition(lambda self: self.writers)
    @rule(client=clients)
    def lose_the_line(self, client: str) -> None:
        """The door lets go, and what came is kept."""
        if writer := self.writers.pop(client, None):
            self._plan()
            self._do(writer.release())

    @rule(path=paths)
    def delete(self, path: str) -> None:
        if path in self.model.files:
            after = self._plan()
            after.trash.append((path, after.files.pop(path)))
            self._do(self._ask(self.home.services.files.delete(self.home.caller, path)))

    @precondition(lambda self: self.model.trash)
    @rule()
    def restore(self) -> None:
        path, digests = self.model.trash[-1]
        if path not in self.model.files:
            after = self._plan()
            after.trash.pop()
            after.files[path] = digests
            self._do(self._ask(self.home.services.files.restore_path(self.home.caller, path)))

    @rule(path=paths, to=paths)
    def move(self, path: str, to: str) -> None:
        files = self.model.files
        if path in files and to not in files and to.startswith("docs/") <= bool(files.keys() & {"docs/c"}):
            after = self._plan()
            after.files[to] = after.files.pop(path)
            self._do(self._ask(self.home.services.files.move(self.home.caller, path, to)))

    async def _ask(self, asked: Coroutine[Any, Any, object]) -> None:
        await asked

    # What the machine does

    @rule(mishap=st.sampled_from(survived()), k=st.integers(1, 30))
    def will_fail(self, mishap: Any, k: int) -> None:
        """One of the next calls, whoever makes it."""
        self.injector.mishap, self.injector.at = mishap(), self.injector.calls + k

    @rule()
    def restart(self) -> None:
        self._heal()
        self._close()
        self.home = self._open()

    @rule()
    def die(self) -> None:
        """What lies in the folder now is what `kill -9` would leave; the dead one's end is not looked at."""
        self._heal()
        old, self.data = self.data, self.place / str(int(self.data.name) + 1)
        shutil.copytree(old, self.data, ignore=shutil.ignore_patterns("lock", "reserve", "*-shm"))
        self._close()
        shutil.rmtree(old)
        self.home = self._open()

    @rule()
    def sweep(self) -> None:
        self._heal()
        self.runner.run(self.home.sweep())

    def _heal(self) -> None:
        self.injector.disarm()
        self.injector.at = 0

    @invariant()
    def shows_what_it_must(self) -> None:
        assert not (difference := self.model.differs(self._look())), difference

    def teardown(self) -> None:
        try:
            self._heal()
            self.restart()
            self.runner.run(self.home.sweep())
            self._close()
            found = inspect(self.data, rehash=True)
            assert not found.lost and not found.orphans, str(found)
        finally:
            self.ends.close()
