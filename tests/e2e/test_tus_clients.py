"""Unmodified tus clients against the real thing, over a line that is cut three times."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clients.tus_clients import Run, tus_js, tuspy
from tests.e2e.conftest import NewLine, Serve
from tests.e2e.inspection import inspect, stored
from tests.e2e.rules import AfterBytes, Fault, InTurn, Way
from tests.e2e.sources import write_file

MIB = 1 << 20
SIZE = 12 * MIB

CLIENTS = [
    pytest.param(tuspy, {"chunkSize": 5 * MIB}, id="tuspy"),
    pytest.param(tuspy, {"chunkSize": 5 * MIB, "checksum": True}, id="tuspy-checksums"),
    pytest.param(tus_js, {}, id="tus-js"),
    pytest.param(tus_js, {"chunkSize": 5 * MIB}, id="tus-js-pieces"),
    pytest.param(tus_js, {"chunkSize": 5 * MIB, "deferred": True}, id="tus-js-deferred-length"),
    pytest.param(tus_js, {"chunkSize": 5 * MIB, "override": True}, id="tus-js-method-override"),
    pytest.param(tus_js, {"parallel": 3}, id="tus-js-parallel"),
]

CUTS = (
    AfterBytes(Way.UP, MIB + 17, Fault.CLOSE),
    AfterBytes(Way.UP, 2 * MIB + 3, Fault.RESET),
    AfterBytes(Way.UP, 3 * MIB, Fault.CLOSE),
)


@pytest.mark.parametrize(("upload", "options"), CLIENTS)
def test_file_arrives_whole_over_a_line_that_is_cut(
    serve: Serve, new_line: NewLine, tmp_path: Path, upload: Callable[..., Run], options: dict[str, Any]
) -> None:
    server = serve()
    host, _, port = server.web.removeprefix("http://").rpartition(":")
    line = new_line((host, int(port)))
    cuts = InTurn(list(CUTS))
    line.plan(*[cuts] * 50)
    digest = write_file(tmp_path / "big.bin", SIZE)
    done = upload(f"http://127.0.0.1:{line.port}/tus/", tmp_path / "big.bin", **options)
    assert done.returncode == 0, done.stderr
    assert stored(server.data_dir) == {"big.bin": digest}
    assert inspect(server.data_dir, rehash=True).clean
    assert cuts.left == []
