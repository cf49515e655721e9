"""docs/client.md: its commands run as printed, and its tables are the code's."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fileshare.cli import exits, reporting
from fileshare.cli.client_parser import COMMANDS, parser_for
from fileshare.client.settings import KINDS, PREFIX, Settings
from tests.e2e.servers import COMMANDS as BIN
from tests.e2e.servers import Server

from .printed import commands, loosened, run

TEXT = (Path(__file__).parents[2] / "docs" / "client.md").read_text()
PASSWORD = "correct horse 7"
ADMIN_PASSWORD = "battery staple 8"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    data = tmp_path / "server"
    data.mkdir()
    found = Server(data, {"bcrypt_cost": 4})
    for words in (["user", "add", "ann"], ["user", "passwd", "admin"]):
        password = PASSWORD if "add" in words else ADMIN_PASSWORD
        done = found.run(*words, "--password-stdin", stdin=password + "\n")
        assert done.returncode == 0, done.stderr
    found.start()
    yield found
    found.stop()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder that the document says it was typed in."""
    folder = tmp_path / "ann"
    (folder / "photos" / "2025").mkdir(parents=True)
    (folder / "report.txt").write_text("The first line\nof a report.\n")
    (folder / "film.bin").write_bytes(os.urandom(9_000_000))
    (folder / "photos" / "index.txt").write_text("harbour, sunset\n")
    for name in ("harbour", "sunset"):
        (folder / "photos" / "2025" / f"{name}.jpg").write_bytes(os.urandom(20_000))
    (folder / "password.txt").write_text(PASSWORD + "\n")
    (folder / "admin-password.txt").write_text(ADMIN_PASSWORD + "\n")
    return folder


def environment(server: Server, tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FILESHARE_")}
    host, port = server.address
    return {
        **kept,
        "PATH": f"{BIN}:{kept['PATH']}",
        "TZ": "UTC",
        "FILESHARE_CLIENT_CONFIG_DIR": str(tmp_path / "config"),
        "FILESHARE_CLIENT_STATE_DIR": str(tmp_path / "state"),
        "FILESHARE_CLIENT_HOST": host,
        "FILESHARE_CLIENT_PORT": str(port),
    }


MIB = 1 << 20


@pytest.mark.skipif(sys.platform == "win32", reason="the document's shell is bash")
@pytest.mark.timeout(600)  # forty programs start one after the other
def test_the_documents_commands_do_what_it_says(server: Server, home: Path, tmp_path: Path) -> None:
    def half_way() -> bool:
        parts = [*(tmp_path / "server" / "uploads").glob("*.part"), *home.glob("*.part")]
        return any(part.stat().st_size > MIB for part in parts)

    for printed in commands(TEXT):
        found = run(printed.command, home, environment(server, tmp_path), PASSWORD, half_way)
        # Sorted, because small files are written side by side.
        lines, wanted = (sorted(loosened(text, home).splitlines()) for text in (found, printed.output))
        assert lines == wanted, f"$ {printed.command}\n{found}"


def test_every_command_is_documented() -> None:
    shown = " ".join(printed.command for printed in commands(TEXT))
    assert set(COMMANDS) - set(re.findall(r"[a-z]+", shown)) == {"logout"}
    assert "fileshare-client\nlogout" in TEXT


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_flag_is_documented(command: str) -> None:
    flags = re.findall(r"--[a-z-]+", parser_for([command]).format_help())
    sub = re.findall(r"(--[a-z-]+)", _help_of(command))
    missing = {flag for flag in {*flags, *sub} if flag not in TEXT} - {"--help"}
    assert missing == set()


def _help_of(command: str) -> str:
    parser = parser_for([command])
    actions = [action for action in parser._actions if action.dest == "command"]
    return str(actions[0].choices[command].format_help())  # type: ignore[index]


def rows(title: str) -> dict[str, list[str]]:
    """A table by its first column, without the quotes of code."""
    table = TEXT.split(f"| {title} |")[1].split("\n\n")[0]
    lines = [line.split("|")[1:-1] for line in table.splitlines()[2:]]
    return {line[0].strip("` "): [cell.strip("` ") for cell in line[1:]] for line in lines}


def test_every_setting_is_documented_with_its_default() -> None:
    documented = rows("Setting")
    assert set(documented) == set(KINDS)
    for name, (_, doc) in KINDS.items():
        default = getattr(Settings(), name)
        told = {None: "none", False: "no", "": "none"}.get(default, str(default).removesuffix(".0"))
        assert documented[name][1:] == [told, doc]
    assert PREFIX in TEXT


def test_every_exit_code_is_documented() -> None:
    known = {value for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)}
    assert {int(code) for code in rows("Exit code")} == known


def test_every_event_is_documented() -> None:
    source = "".join(path.read_text() for path in Path(reporting.__file__).parent.glob("*.py"))
    told = set(re.findall(r"""\.event\(\s*"([a-z]+)\"""", source))
    listed = {name.strip("` ") for cell in rows("Event") for name in cell.split(",")}
    assert listed == told
