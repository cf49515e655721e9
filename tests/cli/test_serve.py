"""`fileshare serve` as a real process: what it says, how it ends, what it refuses."""

import json
import os
import re
import signal
import socket
import ssl
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

COMMAND = [str(Path(sys.executable).parent / "fileshare")]
ANYWHERE = ["--host", "127.0.0.1", "--port", "0", "--web-host", "127.0.0.1", "--web-port", "0"]
SECONDS = 30
"""Far more than anything here takes; only a hang comes near."""


def environment(**more: str) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("FILESHARE_")}
    return {**ours, "FILESHARE_BCRYPT_COST": "4", **more}


class Service:
    """A running server and the banner that it printed."""

    def __init__(self, process: "subprocess.Popen[str]", errors: Path) -> None:
        self.process = process
        self.banner: list[str] = []
        self._errors = errors
        assert process.stdout is not None
        self._out = process.stdout
        for line in self._out:
            self.banner.append(line.rstrip("\n"))
            if line.startswith("data folder: "):
                break

    @property
    def tcp(self) -> tuple[str, int]:
        (found,) = [match for line in self.banner if (match := re.fullmatch(r"tcp://(.+):(\d+)", line))]
        return found[1], int(found[2])

    @property
    def web(self) -> str:
        (found,) = [line for line in self.banner if line.startswith("http")]
        return found

    def end(self) -> tuple[int, str, str]:
        """Tell it to stop; returns the exit number and what else it printed."""
        self.process.terminate()
        return self.ended()

    def ended(self) -> tuple[int, str, str]:
        """Wait for its end; returns the exit number and what else it printed."""
        out = self._out.read()
        return self.process.wait(SECONDS), out, self._errors.read_text()


@contextmanager
def serving(data: Path, *words: str, **env: str) -> Iterator[Service]:
    errors = data.parent / f"{data.name}.stderr"
    with (
        errors.open("w") as stderr,
        subprocess.Popen(
            [*COMMAND, "serve", *ANYWHERE, "--data-dir", str(data), *words],
            env=environment(**env), stdout=subprocess.PIPE, stderr=stderr, text=True, cwd=data.parent,
        ) as process,
    ):  # fmt: skip
        try:
            yield Service(process, errors)
        finally:
            if process.poll() is None:
                process.kill()


def refused(*words: str, **env: str) -> str:
    """Run a command that must not start: exit 1 and one sentence, which is returned."""
    done = subprocess.run(
        [*COMMAND, *words],
        env=environment(**env),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(r"fileshare: [^\n]+[.?]\n", done.stderr)
    return done.stderr


def test_banner_names_both_doors_and_the_data_folder(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as service:
        assert service.banner[1:] == [
            f"tcp://127.0.0.1:{service.tcp[1]}",
            service.web,
            f"data folder: {tmp_path}/data",
        ]
        socket.create_connection(service.tcp, timeout=SECONDS).close()
        with urllib.request.urlopen(f"{service.web}/healthz", timeout=SECONDS) as answer:
            assert json.load(answer) == {"status": "ok"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_drains_and_exits_0(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path / "data") as service:
        with socket.create_connection(service.tcp, timeout=SECONDS) as idle:
            service.process.send_signal(number)
            assert idle.recv(1) == b""
        code, _, err = service.ended()
    assert code == 0
    assert "Traceback" not in err
    assert "stopped" in err
    last = (tmp_path / "data/logs/server.log").read_text().splitlines()[-1]
    assert json.loads(last)["message"] == "stopped"


def test_data_folder_is_nobody_elses(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as service:
        service.end()
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) & 0o007 == 0


def test_default_password_is_warned_of_until_it_is_another(tmp_path: Path) -> None:
    with serving(tmp_path / "one") as service:
        _, out, _ = service.end()
        assert "warning: The password of admin is still admin123" in out
        assert "fileshare user passwd admin" in out
    with serving(tmp_path / "two", FILESHARE_ADMIN_PASSWORD="correct horse battery") as service:
        _, out, err = service.end()
        assert "admin123" not in out + err
        assert "correct horse" not in out + err + (tmp_path / "two/logs/database.log").read_text()


def test_open_door_without_tls_is_warned_of(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--web-host", "0.0.0.0") as service:
        assert "warning: Other machines reach this service without TLS" in service.end()[1]


def test_second_server_on_one_data_folder_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as service:
        sentence = refused("serve", *ANYWHERE, "--data-dir", str(tmp_path / "data"))
        assert str(tmp_path / "data") in sentence
        # The first one serves on, and its folder is not touched.
        with urllib.request.urlopen(f"{service.web}/healthz", timeout=SECONDS) as answer:
            assert answer.status == 200
        assert service.end()[0] == 0


@pytest.mark.parametrize("flag", ["--port", "--web-port"])
def test_taken_port_is_refused_with_the_flag_to_change(tmp_path: Path, flag: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        sentence = refused("serve", *ANYWHERE, flag, port, "--data-dir", str(tmp_path / "data"))
    assert f"Port {port} on 127.0.0.1 is taken" in sentence
    assert flag in sentence


def test_address_of_another_machine_is_refused(tmp_path: Path) -> None:
    sentence = refused("serve", *ANYWHERE, "--host", "192.0.2.1", "--data-dir", str(tmp_path / "data"))
    assert "192.0.2.1 is no address of this machine" in sentence


def test_bad_setting_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    assert "web_port is 'x' (flag --web-port)" in refused(
        "serve", "--web-port", "x", "--data-dir", str(tmp_path / "d")
    )
    assert "did you mean FILESHARE_PORT" in refused(
        "serve", FILESHARE_PROT="1", FILESHARE_DATA_DIR=str(tmp_path / "d")
    )
    assert not (tmp_path / "d").exists()


def test_missing_certificate_is_refused(tmp_path: Path) -> None:
    sentence = refused(
        "serve", *ANYWHERE, "--data-dir", str(tmp_path / "d"), "--tls-cert", str(tmp_path / "no.pem")
    )
    assert f"{tmp_path}/no.pem is not there" in sentence


def test_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x")
    assert str(tmp_path / "data") in refused("serve", *ANYWHERE, "--data-dir", str(tmp_path / "data"))


def test_both_doors_speak_tls_with_a_certificate(tmp_path: Path) -> None:
    authority = trustme.CA()
    pem = tmp_path / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem))
    context = ssl_context(authority)
    with serving(tmp_path / "data", "--tls-cert", str(pem)) as service:
        assert service.web.startswith("https://")
        with urllib.request.urlopen(f"{service.web}/healthz", timeout=SECONDS, context=context) as answer:
            assert answer.status == 200
        with socket.create_connection(service.tcp, timeout=SECONDS) as plain:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as encrypted:
                assert encrypted.version() in {"TLSv1.2", "TLSv1.3"}
        assert service.end()[0] == 0


def test_unknown_flag_is_wrong_usage() -> None:
    done = subprocess.run(
        [*COMMAND, "serve", "--prot", "1"], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 2
    assert "--prot" in done.stderr


def test_config_shows_what_is_in_force_and_whence(tmp_path: Path) -> None:
    (tmp_path / "fileshare.toml").write_text('max_file_size = "1 GiB"\n')
    done = subprocess.run(
        [*COMMAND, "config", "--data-dir", str(tmp_path), "--port", "1", "--json"],
        env=environment(FILESHARE_WEB_PORT="2", FILESHARE_ADMIN_PASSWORD="correct horse battery"),
        capture_output=True, text=True, timeout=SECONDS, check=True,
    )  # fmt: skip
    shown = {row["name"]: (row["value"], row["source"]) for row in map(json.loads, done.stdout.splitlines())}
    assert shown["port"] == ("1", "flag --port")
    assert shown["web_port"] == ("2", "environment FILESHARE_WEB_PORT")
    assert shown["max_file_size"] == ("1 GiB", f"file {tmp_path}/fileshare.toml")
    assert shown["trash_days"] == ("30", "default")
    assert "correct horse" not in done.stdout


def ssl_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context
