"""An upload begun through one door is finished through the other, and no received byte comes again."""

from pathlib import Path

from tests.e2e.conftest import NewLine, NewShell, Serve
from tests.e2e.inspection import inspect, stored
from tests.e2e.patience import wait_until
from tests.e2e.rules import AfterBytes, Fault, Way
from tests.e2e.sources import write_file
from tests.e2e.tus import Tus, web_address

MIB = 1 << 20
SIZE = 12 * MIB


def test_upload_begun_by_tus_is_finished_by_the_client(
    serve: Serve, new_line: NewLine, new_shell: NewShell, tmp_path: Path
) -> None:
    server = serve()
    web, tcp = new_line(web_address(server)), new_line(server.address, tapped=True)
    digest = write_file(tmp_path / "big.bin", SIZE)
    url = Tus(web_address(server)).create("big.bin", SIZE, sha256=digest)
    web.plan(AfterBytes(Way.UP, 5 * MIB + 3, Fault.CLOSE))
    data = (tmp_path / "big.bin").read_bytes()
    head = Tus(web.address).patch_in_vain(url, 0, data)
    (link,) = web.links
    assert link.finished.wait(30)
    shell = new_shell(tcp.address)
    shell.log_in()
    done = shell.run("--json", "resume", tmp_path / "big.bin")
    (told,) = done.of("done")
    assert told["resumed_from"] == link.passed(Way.UP) - head == 5 * MIB + 3 - head
    assert tcp.links[-1].body(Way.UP) == told["bytes_sent"] == SIZE - told["resumed_from"]
    assert stored(server.data_dir) == {"big.bin": digest}
    assert inspect(server.data_dir, rehash=True).clean
    after = Tus(web_address(server)).ask("HEAD", url)
    assert (after.status, after.headers["fileshare-path"]) == (200, "big.bin")


def test_upload_begun_by_the_client_is_finished_by_tus(
    serve: Serve, new_line: NewLine, new_shell: NewShell, tmp_path: Path
) -> None:
    server = serve()
    tcp, tus = new_line(server.address, tapped=True), Tus(web_address(server))
    shell = new_shell(tcp.address)
    shell.log_in()
    digest = write_file(tmp_path / "big.bin", SIZE)
    known = len(tcp.links)
    tcp.plan(AfterBytes(Way.UP, 5 * MIB + 3, Fault.STALL))
    running = shell.start("upload", tmp_path / "big.bin")
    wait_until("5 MiB are through", lambda: tcp.links[known:] and tcp.links[-1].passed(Way.UP) > 5 * MIB)
    running.kill()
    tcp.links[-1].fail(Fault.CLOSE)
    assert tcp.links[-1].finished.wait(30)
    (url,) = tus.half_done().values()
    offset = tus.offset(url)
    assert offset == tcp.links[-1].body(Way.UP) > 5 * MIB - 1000
    last = tus.patch(url, offset, (tmp_path / "big.bin").read_bytes()[offset:])
    assert (last.status, last.headers["fileshare-path"]) == (204, "big.bin")
    assert stored(server.data_dir) == {"big.bin": digest}
    assert inspect(server.data_dir, rehash=True).clean
    assert shell.run("--json", "resume", tmp_path / "big.bin").of("done")[0]["bytes_sent"] == 0
