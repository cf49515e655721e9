"""The documents: their links lead somewhere, and the commands they show are ones that exist."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from fileshare.cli.client_parser import parser_for
from fileshare.cli.server import make_parser

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
BLOCK = re.compile(r"^```(?:sh|console|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^(?:\$ )?(?:/opt/fileshare/bin/)?(fileshare(?:-client)? (?!\d).+)$", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")


def commands() -> Iterator[tuple[str, str]]:
    for document in DOCUMENTS:
        for block in BLOCK.findall(document.read_text()):
            for command in COMMAND.findall(block):
                yield document.name, command


@pytest.mark.parametrize(("document", "command"), sorted(set(commands())))
def test_command_that_a_document_shows_is_understood(document: str, command: str) -> None:
    program, *words = shlex.split(re.split(r"\s(?:\||>|<|&|#)", command)[0])
    parser = make_parser() if program == "fileshare" else parser_for(words)
    try:
        parser.parse_args(words)
    except SystemExit:
        pytest.fail(f"{document} shows what {program} does not take: {command}")


def test_documents_show_commands() -> None:
    assert len(list(commands())) >= 15


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.name))
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    missing = [link for link in LINK.findall(document.read_text()) if not (document.parent / link).exists()]
    assert missing == []
