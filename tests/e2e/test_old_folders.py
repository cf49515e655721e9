"""Yesterday's data folders open today: everything in them is served, verified, and resumed."""

import hashlib
import tarfile
from pathlib import Path

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.inspection import inspect
from tests.e2e.servers import Server
from tests.e2e.talk import Version1, Version2
from tests.e2e.tus import Tus, web_address
from tests.folders.make import (
    CURRENT,
    HALF1,
    HALF2,
    HALF3,
    HERE,
    OLD_VERSION,
    PASSWORD,
    SENT1,
    SENT2,
    SENT3,
    UPLOAD_ID,
    USER,
)

ARCHIVES = sorted(HERE.glob("*.tar.gz"))


BEFORE_TUS = {"0.1.0.tar.gz"}


def test_there_are_old_folders() -> None:
    assert ARCHIVES


@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.name)
def test_an_old_folder_is_served_verified_and_resumed(archive: Path, tmp_path: Path, serve: Serve) -> None:
    with tarfile.open(archive) as packed:
        # Debian's 3.11.2 has no filters and takes no such argument; later versions warn without one.
        packed.extraction_filter = getattr(tarfile, "data_filter", None)
        packed.extractall(tmp_path)
    server = serve(tmp_path / "data")
    with Version1(server.address).log_in() as talk:
        assert sorted(talk.names()) == sorted(CURRENT)
        for path, data in CURRENT.items():
            assert talk.download(path) == data, path
    with Version2(server.address).log_in() as talk2:
        versions = talk2.ask("VERSIONS", path="notes.txt")[1]["versions"]
        assert [one["digest"] for one in versions][-1] == hashlib.sha256(OLD_VERSION).hexdigest()
        assert talk2.ask("STAT", path="an empty folder")[1]["kind"] == "folder"
        assert talk2.ask("RESTORE", path="deleted.txt")[1]["path"] == "deleted.txt"
    with Version1(server.address).log_in(USER, PASSWORD) as talk:
        start, final = talk.finish_upload("half1.bin", HALF1)
        assert (start, final["filename"]) == (SENT1, "half1.bin")
    with Version2(server.address).log_in(USER, PASSWORD) as talk2:
        start = talk2.begin(UPLOAD_ID, "half2.bin", size=len(HALF2))
        assert start == SENT2
        talk2.send_data(HALF2[start:])
        talk2.send_end(HALF2)
        assert talk2.final()[0] == "STORED"
    if archive.name not in BEFORE_TUS:
        _finish_by_tus(server)
    assert server.run("verify").returncode == 0
    assert inspect(server.data_dir, rehash=True).clean


def _finish_by_tus(server: Server) -> None:
    tus = Tus(web_address(server))
    url = tus.half_done()["half3.bin"]
    head = tus.ask("HEAD", url).headers
    assert int(head["upload-offset"]) == SENT3
    assert "note" in head["upload-metadata"]
    answer = tus.patch(url, SENT3, HALF3[SENT3:])
    assert answer.status == 204
    assert answer.headers["fileshare-path"] == "half3.bin"
    assert tus.ask("GET", "/files/half3.bin").body == HALF3
