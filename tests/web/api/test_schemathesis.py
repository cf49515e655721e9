"""The API against its own document: what it says is what is, whatever one sends."""

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from tests.web.house import open_house

RULES = Path(__file__).with_name("schemathesis.toml")
PROGRAM = Path(sys.executable).with_name("schemathesis")

CUTS_ITSELF_OFF = (
    "change_user",
    "delete_user",
    "end_session",
    "end_token",
    "end_user_sessions",
)
"""What ends the token that the questions come with, when it meets its owner."""


pytestmark = pytest.mark.timeout(300)
"""Some seconds of processor time, but the machine may be busy."""


async def judged(folder: Path, *flags: str) -> str:
    """What it says, when it found nothing wrong: no crash, no answer that the document does not have."""
    async with open_house(login_window=1) as house:  # so that its wrong logins never lock it out
        token, _ = await house.accounts.issue_token(house.known["root"], name="", address="127.0.0.1")
        process = await asyncio.create_subprocess_exec(
            *(PROGRAM, "--config-file", RULES, "run", f"{house.url}/api/v1/openapi.json", "--no-color"),
            *("-H", f"Authorization: Bearer {token}", *flags),
            cwd=folder,  # it leaves notes where it runs
            stdout=PIPE,
            stderr=STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()
        return said.decode()


async def test_api_is_as_its_document_says(tmp_path: Path) -> None:
    left_out = [f"--exclude-operation-id={name}" for name in CUTS_ITSELF_OFF]
    assert "WARNINGS" not in await judged(tmp_path, *left_out)


async def test_what_ends_ones_own_login_is_as_the_document_says(tmp_path: Path) -> None:
    await judged(tmp_path, "--warnings=off", *(f"--include-operation-id={name}" for name in CUTS_ITSELF_OFF))
