"""1 GiB by tuspy and by tus-js-client, unmodified, over a line that is cut three times amid the bytes."""

import time
from collections.abc import Callable
from typing import Any

from tests.acceptance.report import Row
from tests.acceptance.stage import Check, nothing_left
from tests.clients.tus_clients import Run, tus_js, tuspy
from tests.e2e.inspection import stored
from tests.e2e.line import Line, total
from tests.e2e.rules import AfterBytes, Fault, InTurn, Way
from tests.e2e.sources import write_file
from tests.e2e.tus import web_address

MIB = 1 << 20
UNIT = 128 * MIB
REQUIRED = 8
CUTS = 3
SECONDS = 600

CLIENTS: tuple[tuple[str, Callable[..., Run], dict[str, Any]], ...] = (
    # tuspy keeps a piece in memory, and needs a limit.
    ("tuspy, 64 MiB pieces", tuspy, {"chunkSize": 64 * MIB}),
    ("tuspy, 64 MiB pieces with checksums", tuspy, {"chunkSize": 64 * MIB, "checksum": True}),
    ("tus-js-client, in one piece", tus_js, {}),
    ("tus-js-client, 64 MiB pieces", tus_js, {"chunkSize": 64 * MIB}),
    ("tus-js-client, 4 parallel pieces joined", tus_js, {"parallel": 4}),
)


class TusClients(Check):
    """The web door's third point: others' clients work as they are."""

    name = "tus-clients"

    def run(self) -> list[Row]:
        """Each client with a server of its own line; the file is the same."""
        server = self.stage.serve()
        size = self.stage.count(REQUIRED) * UNIT
        source = self.stage.folder / "big.bin"
        digest = write_file(source, size)
        rows = []
        for number, (what, upload, options) in enumerate(CLIENTS):
            self.stage.say(what)
            line = Line(web_address(server))
            cuts = InTurn([self._cut(way) for way in (Fault.CLOSE, Fault.RESET, Fault.CLOSE)])
            line.plan(*[cuts] * 100)
            name = f"{number}.bin"
            told = {"metadata": {"filename": name, "sha256": digest}, "retryDelay": 0.5, **options}
            started = time.monotonic()
            done = upload(f"http://127.0.0.1:{line.port}/tus/", source, seconds=SECONDS, **told)
            seconds = time.monotonic() - started
            line.close()
            right = done.returncode == 0 and stored(server.data_dir).get(name) == digest
            again = total(line.links, Way.UP) - size
            happened = CUTS - len(cuts.left)
            measured = (
                f"{'right' if right else 'WRONG ' + done.stderr[-200:]}, {happened} cuts, {seconds:.1f} s"
            )
            measured += f", {again / MIB:.1f} MiB sent in vain"
            required = f"{size // MIB} MiB, right digest over {CUTS} cuts"
            rows.append(Row(what, required, measured, right and happened == CUTS))
        source.unlink()
        return [*rows, nothing_left("tus clients: left over", server)]

    def _cut(self, fault: Fault) -> AfterBytes:
        """Amid a piece of the smallest kind."""
        return AfterBytes(Way.UP, self.stage.chance.randint(MIB, 60 * MIB), fault)
