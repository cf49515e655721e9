"""`kill -9` amid a PATCH: every byte of one without a checksum is kept, and none of one with it."""

import base64
import hashlib
from threading import Thread

import pytest

from tests.e2e.conftest import NewLine, Serve
from tests.e2e.inspection import half_done, inspect, stored
from tests.e2e.patience import wait_until
from tests.e2e.rules import AfterBytes, Fault, Way
from tests.e2e.sources import content
from tests.e2e.tus import Tus, web_address

MIB = 1 << 20
SIZE = 12 * MIB
FIRST = 2 * MIB


@pytest.mark.parametrize("checked", [False, True])
def test_server_is_killed_amid_a_piece(serve: Serve, new_line: NewLine, checked: bool) -> None:
    server = serve(checkpoint_bytes=MIB)
    web, data = new_line(web_address(server)), content(SIZE)
    url = Tus(web.address).create("big.bin", SIZE)
    assert Tus(web.address).patch(url, 0, data[:FIRST]).status == 204
    digest = base64.b64encode(hashlib.sha256(data[FIRST:]).digest()).decode()
    told = {"Upload-Checksum": f"sha256 {digest}"} if checked else {}
    web.plan(AfterBytes(Way.UP, 5 * MIB, Fault.STALL))
    sending = Thread(target=Tus(web.address).patch_in_vain, args=(url, FIRST, data[FIRST:]), kwargs=told)
    sending.start()
    wait_until("5 MiB are through", lambda: web.links[-1].passed(Way.UP) == 5 * MIB)
    wait_until("they are written", lambda: half_done(server.data_dir)[0][2] > FIRST + 4 * MIB)
    server.kill()
    web.links[-1].fail(Fault.RESET)
    sending.join(30)
    ((_, row, written),) = half_done(server.data_dir)
    tus = Tus(web_address(server.restart()))
    offset = tus.offset(url)
    assert offset == (FIRST if checked else written) >= row
    assert tus.patch(url, offset, data[offset:]).status == 204
    assert stored(server.data_dir) == {"big.bin": hashlib.sha256(data).hexdigest()}
    assert inspect(server.data_dir, rehash=True).clean
