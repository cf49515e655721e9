import stat
import sys
from pathlib import Path

import pytest

from fileshare.client.servers import Login, Logins, Server, server_meant
from fileshare.client.settings import load
from fileshare.errors import BadRequest


def logins_in(folder: Path, *servers: Server) -> Logins:
    logins = Logins(str(folder))
    for server in servers:
        logins.save(Login(server=server, account="anna", token="secret-" + server.name))
    return logins


def test_a_token_goes_to_no_other_host_or_port(tmp_path: Path) -> None:
    logins = logins_in(tmp_path, Server(host="nas", port=9000))
    assert logins.of("nas:9000") is not None
    assert logins.of("nas:9001") is None
    assert logins.of("nas.evil:9000") is None


def test_hosts_are_one_whatever_their_spelling() -> None:
    assert Server(host="NAS.", port=9000).name == "nas:9000"
    assert Server(host="::1", port=9000).name == "[::1]:9000"


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
def test_tokens_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    logins_in(tmp_path, Server(host="nas", port=9000))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)


def test_the_last_login_is_meant_where_no_server_is_named(tmp_path: Path) -> None:
    logins = logins_in(tmp_path, Server(host="a", port=1), Server(host="b", port=2, tls=True, ca="/ca"))
    found = server_meant(load({}, {}, str(tmp_path)), logins)
    assert found == Server(host="b", port=2, tls=True, ca="/ca")
    named = server_meant(load({"host": "a", "port": "1"}, {}, str(tmp_path)), logins)
    assert named == Server(host="a", port=1)
    assert server_meant(load({"port": "7"}, {}, str(tmp_path)), logins).name == "localhost:7"


def test_tls_is_remembered_and_never_given_up(tmp_path: Path) -> None:
    logins = logins_in(tmp_path, Server(host="nas", port=9000, tls=True, ca="/ca"))
    found = server_meant(load({"host": "nas"}, {}, str(tmp_path)), logins)
    assert found.tls
    assert found.ca == "/ca"
    with pytest.raises(BadRequest, match="TLS"):
        server_meant(load({"host": "nas"}, {"FILESHARE_CLIENT_TLS": "no"}, str(tmp_path)), logins)


def test_naming_an_authority_means_tls(tmp_path: Path) -> None:
    found = server_meant(load({"ca": "/ca.pem"}, {}, str(tmp_path)), Logins(str(tmp_path)))
    assert found.tls


def test_forgetting_leaves_other_logins(tmp_path: Path) -> None:
    logins = logins_in(tmp_path, Server(host="a", port=1), Server(host="b", port=2))
    logins.forget("b:2")
    logins.forget("b:2")
    assert logins.of("b:2") is None
    assert logins.last() is None
    assert logins.of("a:1") is not None


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe", b'{"server": 1}'])
def test_a_damaged_file_is_no_login(tmp_path: Path, damage: bytes) -> None:
    logins = logins_in(tmp_path, Server(host="a", port=1))
    for path in (tmp_path / "servers").iterdir():
        path.write_bytes(damage)
    assert logins.of("a:1") is None
    (tmp_path / "last-server").write_bytes(damage)
    assert logins.last() is None
