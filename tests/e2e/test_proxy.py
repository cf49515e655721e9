"""fileshare behind nginx as docs/proxy.md prints it: TLS, a path in front, bytes that pass as they come."""

import base64
import hashlib
import http.client
import io
import json
import re
import secrets
import shutil
import ssl
import subprocess
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import pytest
import trustme

from tests.e2e.inspection import half_done, inspect, stored
from tests.e2e.patience import wait_until
from tests.e2e.servers import Server
from tests.e2e.sources import content
from tests.nginx import PREFIX, TEXT, Nginx

MIB = 1 << 20
PASSWORD = "correct horse 7"
MAX_SIZE = 64 * MIB
FAILURES = 4
"""Failed logins of one account from one address before the next are refused."""
PAGE = {"Accept": "text/html"}
TUS = {"Tus-Resumable": "1.0.0"}
OFFSET_STREAM = {**TUS, "Content-Type": "application/offset+octet-stream"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass(frozen=True)
class Person:
    """Somebody at an address of the loopback, whose requests go to a proxy, or past it."""

    url: str
    context: ssl.SSLContext | None
    address: str = "127.0.0.1"
    user: str = "ann"
    password: str = PASSWORD

    def connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        at, source = (parts.hostname or "", parts.port), (self.address, 0)
        if self.context is None:
            return http.client.HTTPConnection(*at, timeout=30, source_address=source)
        return http.client.HTTPSConnection(*at, timeout=30, source_address=source, context=self.context)

    def begin(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> http.client.HTTPConnection:
        """Send a request; `path` counts from the web door's own root."""
        secret = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        basic = {"Authorization": f"Basic {secret}"} if self.user else {}
        connection = self.connect()
        connection.request(method, urlsplit(self.url).path + path, body, {**basic, **(headers or {})})
        return connection

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        connection = self.begin(method, path, body, headers)
        try:
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def log_in(self, password: str, **headers: str) -> Answer:
        """By the form, as a browser sends it."""
        parts = urlsplit(self.url)
        told = {
            "Origin": f"{parts.scheme}://{parts.netloc}",
            "Content-Type": "application/x-www-form-urlencoded",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        form = urlencode({"username": self.user, "password": password}).encode()
        return Person(self.url, self.context, self.address, "").ask("POST", "/login", form, PAGE | told)

    def create(self, path: str, size: int, **metadata: str) -> str:
        """A new tus upload; its path below the prefix."""
        pairs = {"filename": path, **metadata}
        told = ",".join(f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in pairs.items())
        answer = self.ask("POST", "/tus/", None, {**TUS, "Upload-Length": str(size), "Upload-Metadata": told})
        assert answer.status == 201, answer
        location = answer.headers["Location"]
        assert re.fullmatch(re.escape(self.url) + r"/tus/[0-9a-f]{32}", location)
        return str(location).removeprefix(self.url)


@dataclass(frozen=True)
class Place:
    """A server, the proxy before it, and who comes through it."""

    server: Server
    nginx: Nginx

    def person(self, user: str = "ann", address: str = "127.0.0.1", password: str = PASSWORD) -> Person:
        return Person(self.nginx.url, self.nginx.context(), address, user, password)

    def past_the_proxy(self, address: str, user: str = "ann") -> Person:
        return Person(self.server.web, None, address, user)


def settings(nginx: Nginx) -> dict[str, str]:
    """The document's own, with the address that nginx has here."""
    (text,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    told = tomllib.loads(text)
    assert told == {
        "web_host": "127.0.0.1",
        "trusted_proxies": ["127.0.0.1"],
        "public_url": f"https://files.example.org{PREFIX}",
    }
    return {"trusted_proxies": ",".join(told["trusted_proxies"]), "public_url": nginx.url}


def opened(folder: Path, **more: str | int | Path) -> Place:
    nginx = Nginx(folder / "nginx")
    data = folder / "server" / "data"
    data.mkdir(parents=True)
    limits = {"bcrypt_cost": 4, "max_file_size": MAX_SIZE, "login_failures": FAILURES}
    server = Server(data, {**limits, **settings(nginx), **more})
    server.start()  # first, so that it hashes, at its low cost
    for words in (["user", "add", "ann"], ["user", "passwd", "admin"]):
        done = server.run(*words, "--password-stdin", stdin=PASSWORD + "\n")
        assert done.returncode == 0, done.stderr
    nginx.start(server.web)
    return Place(server, nginx)


def closed(place: Place) -> None:
    place.nginx.stop()
    assert place.server.stop() == 0
    assert place.server.complaints() == ""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    found = opened(tmp_path_factory.mktemp("proxy"))
    yield found
    closed(found)


def test_login_gives_a_cookie_that_only_tls_carries_and_leads_below_the_prefix(place: Place) -> None:
    nobody = place.person("")
    page = nobody.ask("GET", "/login", headers=PAGE)
    assert page.status == 200
    links = re.findall(
        r'(?:href|src|action|data-(?:tus|api|files|login|session))="([^"#]*)"', page.body.decode()
    )
    assert links and {link for link in links if not link.startswith(f"{PREFIX}/")} == set()
    answer = place.person().log_in(PASSWORD)
    assert (answer.status, answer.headers["Location"]) == (303, f"{PREFIX}/files/")
    name, *flags = answer.headers["Set-Cookie"].split("; ")
    assert name.startswith("__Host-fileshare=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(flags)
    files = nobody.ask("GET", "/files/", headers={**PAGE, "Cookie": name})
    assert files.status == 200


def test_change_from_another_site_is_refused(place: Place) -> None:
    assert place.person().log_in(PASSWORD, Origin="https://files.example.net").status == 403
    assert place.person().log_in(PASSWORD, Origin=place.server.web).status == 403


def test_redirections_stay_below_the_prefix(place: Place) -> None:
    nobody, ann = place.person(""), place.person()
    asked = nobody.ask("GET", "/files/docs/?q=a%20b", headers=PAGE)
    assert (asked.status, asked.headers["Location"]) == (
        303,
        f"{PREFIX}/login?next=/files/docs/%3Fq%3Da%2520b",
    )
    assert nobody.ask("GET", "", headers=PAGE).headers["Location"] == f"{place.nginx.url}/"
    assert nobody.ask("GET", "/", headers=PAGE).headers["Location"] == f"{PREFIX}/files/"
    assert ann.ask("PUT", "/files/folder/in%20it.txt", b"x").status == 201
    assert ann.ask("GET", "/files/folder").headers["Location"] == f"{PREFIX}/files/folder/"


def test_host_that_a_client_makes_up_changes_nothing(place: Place) -> None:
    forged = {**PAGE, "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    told = {**forged, **TUS, "Upload-Length": "1", "Upload-Metadata": "filename YQ=="}
    answer = place.person().ask("POST", "/tus/", None, told)
    assert answer.headers["Location"].startswith(f"{place.nginx.url}/tus/")


def test_tus_upload_goes_on_behind_the_bytes_that_arrived_before_a_cut(place: Place) -> None:
    ann, data = place.person(), content(24 * MIB)
    digest = hashlib.sha256(data).hexdigest()
    url = ann.create("tus/large.bin", len(data), sha256=digest)
    first = ann.ask("PATCH", url, data[: 8 * MIB], {**OFFSET_STREAM, "Upload-Offset": "0"})
    assert (first.status, first.headers["Upload-Offset"]) == (204, str(8 * MIB))
    announced = {**OFFSET_STREAM, "Upload-Offset": str(8 * MIB), "Content-Length": str(16 * MIB)}
    cut = ann.begin("PATCH", url, data[8 * MIB : 13 * MIB + 5], announced)
    # That they are there before the request is whole is what nginx's own buffering would spoil.
    wait_until("the bytes are there", lambda: received(place.server) >= 13 * MIB)
    cut.close()
    offset = int(ann.ask("HEAD", url, headers=TUS).headers["Upload-Offset"])
    assert 13 * MIB <= offset <= 13 * MIB + 5
    last = ann.ask("PATCH", url, data[offset:], {**OFFSET_STREAM, "Upload-Offset": str(offset)})
    assert (last.status, last.headers["Fileshare-Path"]) == (204, "tus/large.bin")
    assert stored(place.server.data_dir)["tus/large.bin"] == digest


def received(server: Server) -> int:
    """Bytes of half-done uploads on the disk."""
    return sum(length for _, _, length in half_done(server.data_dir))


def test_tus_pieces_are_joined_by_their_absolute_urls(place: Place) -> None:
    ann, data = place.person(), content(2 * MIB)
    urls = []
    for half in (data[:MIB], data[MIB:]):
        told = {**OFFSET_STREAM, "Upload-Length": str(len(half)), "Upload-Concat": "partial"}
        urls.append(ann.ask("POST", "/tus/", half, told).headers["Location"])
    told = {**TUS, "Upload-Concat": "final;" + " ".join(urls), "Upload-Metadata": "filename am9pbmVk"}
    assert ann.ask("POST", "/tus/", None, told).status == 201
    assert stored(place.server.data_dir)["joined"] == hashlib.sha256(data).hexdigest()


def test_half_done_upload_is_told_below_the_prefix(place: Place) -> None:
    ann = place.person()
    url = ann.create("half.bin", 10)
    told = json.loads(ann.ask("GET", "/api/v1/uploads").body)["uploads"]
    assert PREFIX + url in [upload["url"] for upload in told]
    assert ann.ask("DELETE", url, headers=TUS).status == 204


@pytest.mark.parametrize(
    "name", ["plain.bin", "100% #1? a+b&c;d.txt", "Übergrößenträger 日本.bin", "a\"b'<i>.txt"]
)
def test_file_comes_back_whole_and_in_part_under_any_name(place: Place, name: str) -> None:
    ann, data = place.person(), content(3 * MIB)
    path = f"/files/{quote(f'names/{name}')}"
    put = ann.ask("PUT", path, data)
    assert (put.status, put.headers["Location"]) == (201, PREFIX + path)
    whole = ann.ask("GET", path)
    assert whole.body == data
    assert whole.headers["ETag"] == f'"{hashlib.sha256(data).hexdigest()}"'
    part = ann.ask("GET", path, headers={"Range": f"bytes={MIB}-", "If-Range": whole.headers["ETag"]})
    assert (part.status, part.body) == (206, data[MIB:])
    assert ann.ask("GET", f"/api/v1/files/{quote(f'names/{name}')}").status == 200


def test_body_of_unknown_length_is_stored(place: Place, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(content(5 * MIB))
    certificate = tmp_path / "ca.pem"
    place.nginx.authority.cert_pem.write_to_path(str(certificate))
    curl = shutil.which("curl") or pytest.fail("curl is not installed: `apt-get install curl`")
    words = [
        curl, "--silent", "--show-error", "--fail", "--user", f"ann:{PASSWORD}", "--cacert", str(certificate),
        "--upload-file", "-", f"{place.nginx.url}/files/piped.bin",
    ]  # fmt: skip
    with source.open("rb") as stream:
        subprocess.run(words, stdin=stream, check=True, timeout=60)
    assert stored(place.server.data_dir)["piped.bin"] == hashlib.sha256(content(5 * MIB)).hexdigest()


def test_file_that_is_too_large_is_refused_in_our_own_words(place: Place) -> None:
    ann = place.person()
    for headers in ({}, {"Content-Length": str(MAX_SIZE + 1)}):
        answer = ann.ask("PUT", "/files/huge", bytes(MAX_SIZE + 1), headers)
        assert answer.status == 413
        assert json.loads(answer.body)["error"]["code"] == "too_large"


def test_folder_comes_as_a_zip_and_a_damaged_one_is_an_error(place: Place) -> None:
    ann, files = place.person(), {f"{n}.bin": content(2 * MIB, seed=n) for n in range(3)}
    for name, data in files.items():
        assert ann.ask("PUT", f"/files/zip/{name}", data).status == 201
    archive = zipfile.ZipFile(io.BytesIO(ann.ask("GET", "/files/zip/?zip").body))
    assert {name: archive.read(f"zip/{name}") for name in files} == files
    digest = hashlib.sha256(files["1.bin"]).hexdigest()
    blob = place.server.data_dir / "blobs" / digest[:2] / digest
    blob.rename(blob.with_suffix(".away"))
    try:
        with pytest.raises(http.client.IncompleteRead):
            ann.ask("GET", "/files/zip/?zip")
    finally:
        blob.with_suffix(".away").rename(blob)


def test_guesser_behind_the_proxy_locks_out_only_their_own_address(place: Place) -> None:
    guesser, other = place.person(address="127.0.0.7"), place.person(address="127.0.0.8")
    for number in range(FAILURES):
        # What a client claims of itself, another address each time, is not passed on.
        assert guesser.log_in("wrong", X_Forwarded_For=f"203.0.113.{number}").status == 401
    assert guesser.log_in(PASSWORD, X_Forwarded_For="203.0.113.99").status == 429
    assert other.log_in(PASSWORD).status == 303


def test_address_claimed_past_the_proxy_is_not_believed(place: Place) -> None:
    guesser = place.past_the_proxy("127.0.0.9")
    origin = place.nginx.url.removesuffix(PREFIX)
    for number in range(FAILURES):
        answer = guesser.log_in("wrong", X_Forwarded_For=f"198.51.100.{number}", Origin=origin)
        assert answer.status == 401
    assert guesser.log_in(PASSWORD, X_Forwarded_For="198.51.100.99", Origin=origin).status == 429


def test_metrics_are_for_this_machine_and_admins_alone(place: Place) -> None:
    assert place.person("").ask("GET", "/metrics").status == 401
    assert place.person().ask("GET", "/metrics").status == 403
    assert place.person("admin").ask("GET", "/metrics").status == 200
    assert place.past_the_proxy("127.0.0.1", user="").ask("GET", "/metrics").status == 200


def test_default_password_works_neither_through_the_proxy_nor_past_it(tmp_path: Path) -> None:
    nginx = Nginx(tmp_path / "nginx")
    data = tmp_path / "server" / "data"
    data.mkdir(parents=True)
    place = Place(Server(data, {"bcrypt_cost": 4, **settings(nginx)}).start(), nginx)
    nginx.start(place.server.web)
    try:
        for person in (
            place.person("admin", password="admin123"),
            place.past_the_proxy("127.0.0.1", "admin"),
        ):
            assert person.ask("GET", "/api/v1/account").status == 401
            assert person.log_in("admin123", Origin=nginx.url.removesuffix(PREFIX)).status == 401
    finally:
        closed(place)


def test_web_door_with_tls_of_its_own_is_asked_by_tls(tmp_path: Path) -> None:
    certificate = tmp_path / "server.pem"
    own = trustme.CA().issue_cert("files.example.org")
    own.private_key_and_cert_chain_pem.write_to_path(str(certificate))
    place = opened(tmp_path, tls_cert=certificate)
    try:
        assert place.server.web.startswith("https://")
        name = f"{secrets.token_hex(4)}.bin"
        assert place.person().ask("PUT", f"/files/{name}", b"x" * MIB).status == 201
        assert place.person().ask("GET", f"/files/{name}").body == b"x" * MIB
        assert inspect(place.server.data_dir, rehash=True).clean
    finally:
        closed(place)
