"""docs/api.md: its commands run as printed, and its tables are the code's."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fileshare.domain.access import Action, allows
from fileshare.domain.model import Role
from fileshare.web.api.document import public_path
from fileshare.web.api.endpoint import PREFIX
from fileshare.web.api.table import ENDPOINTS
from fileshare.web.guards import Needs, Open
from tests.client.printed import commands
from tests.e2e.servers import Server

TEXT = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
ADDRESS = "http://localhost:5000"
PASSWORD, ADMIN_PASSWORD = "correct horse 7", "battery staple 8"
END = "---- end of command ----"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    data = tmp_path / "server"
    data.mkdir()
    found = Server(data, {"bcrypt_cost": 4})
    for words, password in (
        (["user", "add", "ann"], PASSWORD),
        (["user", "passwd", "admin"], ADMIN_PASSWORD),
    ):
        done = found.run(*words, "--password-stdin", stdin=password + "\n")
        assert done.returncode == 0, done.stderr
    found.start()
    yield found
    found.stop()


def typed(script: str, folder: Path) -> list[str]:
    """What one shell prints for each command, so that what one sets the next one has."""
    done = subprocess.run(
        ["bash", "-s"], input=script, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    return done.stdout.split(END + "\n")[:-1]


def test_the_documents_commands_do_what_it_says(server: Server, tmp_path: Path) -> None:
    (tmp_path / "report.txt").write_text("The first line\nof a report.\n")
    (tmp_path / "admin-password.txt").write_text(ADMIN_PASSWORD)
    printed = commands(TEXT)
    script = "".join(f"{one.command}\necho '{END}'\n" for one in printed).replace(ADDRESS, server.web)
    found = typed(script, tmp_path)
    assert len(found) == len(printed) > 15
    for one, said in zip(printed, found, strict=True):
        assert said.rstrip("\n") == one.output.rstrip("\n"), f"$ {one.command}"


def who(needs: Needs) -> str:
    if isinstance(needs, Action):
        return "users" if allows(Role.USER, needs) else "admins"
    return {Open.EVERYONE: "everyone", Open.MEMBERS: "with an account"}[needs]


def test_every_route_is_documented_with_who_may() -> None:
    told = re.findall(r"^\| `([A-Z]+ /[^`]*)` \| ([a-z ]+) \|", TEXT, re.MULTILINE)
    served = [(f"{one.method} {public_path(one).removeprefix(PREFIX)}", who(one.needs)) for one in ENDPOINTS]
    assert sorted(told) == sorted(served)
