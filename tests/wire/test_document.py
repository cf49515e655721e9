"""docs/protocol.md against the code: every message, field, answer, code and limit, and its examples."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from fileshare.config import SETTINGS
from fileshare.errors import error_classes
from fileshare.tcp.version2 import FEATURES
from fileshare.wire import codec, states
from fileshare.wire import messages as m
from fileshare.wire.connection import SEGMENT_LIMIT, End, Event, ServerConnection
from fileshare.wire.frames import HEADER_SIZE, Kind
from fileshare.wire.states import ANSWERS, FINALS, SILENT, State
from tests.wire.pump import ServerPump
from tests.wire.samples import REQUESTS
from tests.wire.shapes import Row, documented, heading, rows

TEXT = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
SHAPES = documented()


def sections(level: str) -> dict[str, str]:
    """The text below each heading of that level, up to the next heading."""
    parts = re.split(r"^(#{1,4}) (.+)\n", TEXT, flags=re.MULTILINE)
    found = zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    return {title: body for marks, title, body in found if marks == level}


def table(text: str) -> list[list[str]]:
    """The cells of the first table in a text, without its head."""
    lines = re.findall(r"^\|(.+)\|$", text, flags=re.MULTILINE)
    return [[cell.strip() for cell in line.split("|")] for line in lines[2:]]


MESSAGES = sections("####")


def test_no_message_is_undocumented_and_none_is_invented() -> None:
    assert set(MESSAGES) == set(SHAPES)


@pytest.mark.parametrize("title", SHAPES)
def test_the_fields_of_every_message_are_documented(title: str) -> None:
    written = table(MESSAGES[title])
    assert [Row(*cells[:3]) for cells in written] == rows(SHAPES[title])
    assert all(cells[3] for cells in written), "a field without a meaning"


@pytest.mark.parametrize("form", REQUESTS, ids=heading)
def test_the_answers_to_every_request_are_documented(form: type[m.Request]) -> None:
    (said,) = re.findall(r"^Answers: (.*)", MESSAGES[heading(form)], flags=re.MULTILINE)
    if form in SILENT:
        assert said.startswith("none")
    else:
        assert names_in(said) == {reply.__name__ for reply in ANSWERS[form]}


@pytest.mark.parametrize(("form", "state"), [(m.UploadFile, State.BODY1), (m.Upload, State.BODY2)])
def test_the_final_replies_are_documented(form: type[m.Request], state: State) -> None:
    said = " ".join(re.findall(r"^After (?:END|the bytes).*", MESSAGES[heading(form)], flags=re.MULTILINE))
    assert names_in(said) == {reply.__name__ for reply in FINALS[state]}


def names_in(text: str) -> set[str]:
    known = {name.partition(":")[0] for name in SHAPES if ":" in name}
    return {word for word in re.findall(r"\w+", text) if word in known}


def test_every_error_code_is_documented() -> None:
    codes = [cells[0].strip("`") for cells in table(sections("##")["Errors"])]
    assert sorted(codes) == sorted(error_classes())


def test_limits_are_the_defaults_that_run() -> None:
    for name, default, _ in table(sections("##")["Limits"]):
        assert int(default) == SETTINGS[name.strip("`")].default, name
    assert f"1 to {SEGMENT_LIMIT:,}" in TEXT


def test_features_are_those_that_hello_names() -> None:
    assert [cells[0].strip("`") for cells in table(sections("###")["Features"])] == FEATURES


def test_frames_are_as_they_are_packed() -> None:
    frames = sections("##")["Frames"]
    kinds = re.findall(r"^\| (\d) \| ([A-Za-z]+) \| .* \| .*\|$", frames, flags=re.MULTILINE)
    assert {(int(number), name.upper()) for number, name in kinds} == {(kind, kind.name) for kind in Kind}
    layout = [(int(offset), int(size)) for offset, size, *_ in table(frames)[:3]]
    assert layout == [(0, 1), (1, 3), (4, 4)]
    assert sum(size for _, size in layout) == HEADER_SIZE


def test_links_within_the_page_lead_somewhere() -> None:
    anchors = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-")
               for level in ("##", "###", "####") for title in sections(level)}  # fmt: skip
    assert set(re.findall(r"\(#([\w-]+)\)", TEXT)) <= anchors


# The examples


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an example: who says what; without a header they are raw bytes."""

    by: str
    header: bytes
    text: bytes

    @property
    def bytes(self) -> bytes:
        """What goes over the line."""
        return self.header + self.text


def example(version: int) -> Iterator[Line]:
    (block,) = re.findall(rf"^```wire {version}\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)
    for line in block.splitlines():
        by, header, text = line[0], line[3:26], line[28:]
        yield Line(by, bytes.fromhex(header), text.encode())


@pytest.mark.parametrize("version", [1, 2])
def test_headers_of_the_example_announce_what_follows(version: int) -> None:
    for line in example(version):
        if line.header:
            assert int.from_bytes(line.header[1:]) == len(line.text), line


class PuttingServer(ServerPump):
    """Takes a whole PUT; its replies, and those to raw bodies, stand in the example."""

    def end_body(self) -> None:
        if self.wire.state is State.PUT2 and self.wire.wants() is None:
            self.wire.put_done()


class Script:
    """A server that says what the example's server says, through the real wire core."""

    def __init__(self, version: int) -> None:
        self.wire = ServerConnection()
        self.server = PuttingServer(self.wire, self.take)
        self.version = version
        self.owed: list[type[m.Request] | None] = []

    def take(self, _: ServerPump, event: Event) -> None:
        if isinstance(event, m.Request) and type(event) not in SILENT:
            self.owed.append(type(event))

    def play(self) -> None:
        for line in example(self.version):
            if line.by == "C":
                self.server.feed(line.bytes)
            else:
                self.say(line)
                self.server.feed(b"")

    def say(self, line: Line) -> None:
        """The example's bytes are those that we would send, or a raw body's."""
        if not line.header:
            self.wire.flow_done()
        elif line.header[0] == Kind.DATA:
            assert self.wire.segment(len(line.text)) == line.header
        elif line.header[0] == Kind.END:
            end = codec.decode_body(line.text, End)
            assert self.wire.end(end.size, str(end.digest)) == line.bytes
        else:
            assert self.wire.send(self.reply_of(line.text)) == line.bytes
            if self.wire.state is State.BODY1 and b"ready" in line.text:
                self.wire.expect_raw(11)

    def reply_of(self, raw: bytes) -> m.Reply:
        envelope = codec.open_envelope(raw)
        forms: list[type[m.Reply]] = [form for form in states.UNASKED if form.status == envelope.status]
        if not forms and self.wire.owes_reply:
            owed = self.owed.pop(0)
            assert owed is not None
            forms = [form for form in ANSWERS[owed] if form.status == envelope.status]
        elif not forms:
            forms = [form for form in FINALS[self.wire.state] if form.status == envelope.status]
        return codec.decode_data(envelope.data, forms[0])


@pytest.mark.parametrize("version", [1, 2])
def test_the_example_is_what_goes_over_the_line(version: int) -> None:
    script = Script(version)
    script.play()
    assert (script.server.unread, script.wire.version) == (0, version)
    assert script.wire.state is [State.IDLE1, State.IDLE2][version - 1]


def test_digests_of_the_example_are_real() -> None:
    digest = hashlib.sha256(b"hello world").hexdigest()
    assert all(digest in "".join(line.text.decode() for line in example(version)) for version in (1, 2))
    (put,) = (json.loads(line.text) for line in example(2) if b'"PUT"' in line.text)
    right, wrong = (file["digest"] for file in put["data"]["files"])
    assert right == hashlib.sha256(b"hello").hexdigest()
    assert wrong != hashlib.sha256(b" world").hexdigest()


def test_shapes_are_found_by_looking() -> None:
    assert {m.PutFile, m.PutResult, m.Limits} <= set(SHAPES.values())
    assert all(issubclass(form, msgspec.Struct) for form in SHAPES.values())
