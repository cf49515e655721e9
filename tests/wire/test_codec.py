"""Strict JSON: what a lenient parser would let through, one row each."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fileshare.errors import BadRequest, FileshareError, ProtocolError
from fileshare.wire import codec
from fileshare.wire import messages as m
from fileshare.wire.connection import Aborted, End
from fileshare.wire.frames import HEADER_SIZE, Kind
from tests.wire.samples import MESSAGES, REPLIES, REQUESTS, sample, values

D = "0" * 64
I = "a" * 16  # noqa: E741


def parse(form: type[m.Request], raw: bytes) -> m.Request:
    envelope = codec.open_envelope(raw)
    if form.protocol == 2:
        codec.refuse_strangers(raw)
    return codec.decode_data(envelope.data, form)


def request(command: str, data: str, more: str = "") -> bytes:
    return f'{{"command":"{command}","data":{data}{more}}}'.encode()


def upload_of(size: object) -> str:
    return f'{{"filename":"a","file_hash":"{D}","file_size":{size}}}'


NOT_JSON: list[tuple[str, bytes]] = [
    ("nothing", b""),
    ("white space", b" \n"),
    ("cut off", b'{"command":"LIST"'),
    ("two values", b"{} {}"),
    ("trailing bytes", b"{}\0"),
    ("trailing comma", b'{"command":"LIST",}'),
    ("comment", b'{"command":"LIST"/**/}'),
    ("single quotes", b"{'command':'LIST'}"),
    ("byte order mark", b'\xef\xbb\xbf{"command":"LIST"}'),
    ("UTF-16", '{"command":"LIST"}'.encode("utf-16")),
    ("UTF-16 without mark", '{"command":"LIST"}'.encode("utf-16-be")),
    ("UTF-32", '{"command":"LIST"}'.encode("utf-32-le")),
    ("Latin-1", '{"command":"LÏST"}'.encode("latin-1")),
    ("overlong UTF-8", b'{"command":"\xc0\xafIST"}'),
    ("surrogate in UTF-8", b'{"command":"\xed\xa0\x80"}'),
    ("beyond Unicode", b'{"command":"\xf4\x90\x80\x80"}'),
    ("cut UTF-8", b'{"command":"\xe2\x82"}'),
    ("control in a string", b'{"command":"LI\nST"}'),
    ("NUL in a string", b'{"command":"LI\0ST"}'),
    ("unknown escape", rb'{"command":"\x41"}'),
    ("number with leading zero", request("X", '{"a":01}')),
    ("hexadecimal", request("X", '{"a":0x10}')),
    ("plus sign", request("X", '{"a":+1}')),
    ("bare point", request("X", '{"a":.5}')),
    ("underscore", request("X", '{"a":1_000}')),
    ("NaN", request("X", '{"a":NaN}')),
    ("Infinity", request("X", '{"a":Infinity}')),
    ("minus Infinity", request("X", '{"a":-Infinity}')),
    ("overflow to infinity", request("X", '{"a":1e400}')),
    ("overflow to minus infinity", request("X", '{"a":[-1e400]}')),
    ("integer of 5,000 digits", request("X", '{"a":' + "9" * 5000 + "}")),
    ("duplicate command", b'{"command":"LIST","command":"AUTH"}'),
    ("duplicate data", b'{"command":"LIST","data":{},"data":{}}'),
    ("duplicate field", request("X", '{"a":1,"a":2}')),
    ("duplicate field, escaped", request("X", r'{"a":1,"\u0061":2}')),
    ("duplicate field deep within", request("X", '{"x":[{"y":{"a":1,"b":2,"a":3}}]}')),
    ("lone high surrogate", request("X", r'{"a":"\ud800"}')),
    ("lone high surrogate before text", request("X", r'{"a":"\ud800abcdef"}')),
    ("lone low surrogate", request("X", r'{"a":"\udc00"}')),
    ("surrogates the wrong way round", request("X", r'{"a":"\udc00\ud800"}')),
    ("lone surrogate as a key", request("X", r'{"\udfff":1}')),
    ("nesting of 17 arrays", request("X", '{"a":' + "[" * 15 + "]" * 15 + "}")),
    ("nesting of 17 objects", request("X", '{"a":' * 16 + "1" + "}" * 16)),
    ("nesting of 30,000", b"[" * 30_000),
    ("nesting of 30,000 within a field", request("X", '{"a":' + "[" * 30_000 + "]" * 30_000 + "}")),
    ("not an object", b"[]"),
    ("a string", b'"LIST"'),
    ("a number", b"1"),
    ("null", b"null"),
    ("command is a number", b'{"command":1}'),
    ("command is null", b'{"command":null}'),
    ("command is a list", b'{"command":["LIST"]}'),
]


@pytest.mark.parametrize(("attack", "raw"), NOT_JSON, ids=[name for name, _ in NOT_JSON])
def test_what_is_not_strict_json_is_refused(attack: str, raw: bytes) -> None:
    with pytest.raises(ProtocolError) as failure:
        codec.open_envelope(raw)
    assert len(failure.value.message) < 300, attack


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_named(name: str) -> None:
    with pytest.raises(ProtocolError, match=f"{name} is not a JSON number"):
        codec.open_envelope(request("X", f'{{"a":{name}}}'))


@pytest.mark.parametrize(
    ("why", "raw"),
    [
        ("sixteen levels", request("X", '{"a":' + "[" * 14 + "]" * 14 + "}")),
        ("brackets in strings are no nesting", request("X", json.dumps({"a": "[{" * 40 + '"\\' + "[" * 40}))),
        ("many objects side by side", request("X", '{"a":[' + ",".join(["{}"] * 1000) + "]}")),
        ("escaped backslash before u", request("X", r'{"a":"\\ud800"}')),
        ("a pair of surrogates", request("X", r'{"a":"\ud83d\ude00"}')),
        ("white space", b' {\t"command" :\r\n "X" , "data":{ } } '),
        ("no data", b'{"command":"X"}'),
        ("smallest double", request("X", '{"a":1e-400}')),
        ("largest double", request("X", '{"a":1.7e308}')),
        ("unknown neighbours", request("X", "{}", ',"id":7,"more":{"a":[1]}')),
    ],
)
def test_what_is_strict_json_is_taken(why: str, raw: bytes) -> None:
    assert codec.open_envelope(raw).command == "X", why


@pytest.mark.parametrize("quote", [b'\\"', b'"', b'"a', b"\\\\", b'\\"[', b'"[]'])
@pytest.mark.timeout(5)
def test_a_frame_full_of_quotes_does_not_hold_the_loop(quote: bytes) -> None:
    """Each took the first pattern up to 15 s; the timeout is for that, not for a slow machine."""
    raw = b"[" * 20 + b'"' + quote * ((64 << 10) // len(quote))
    for _ in range(10):
        with pytest.raises(ProtocolError):
            codec.open_envelope(raw)


@pytest.mark.parametrize(
    ("why", "form", "data", "field"),
    [
        ("a boolean is no size", m.UploadFile, upload_of("true"), "size"),
        ("a double is no size", m.UploadFile, upload_of("1.0"), "size"),
        ("an exponent is no size", m.UploadFile, upload_of("1e3"), "size"),
        ("text is no size", m.UploadFile, upload_of('"1"'), "size"),
        ("null is no size", m.UploadFile, upload_of("null"), "size"),
        ("a negative size", m.UploadFile, upload_of("-1"), "size"),
        ("2^53", m.UploadFile, upload_of(2**53), "size"),
        ("2^64", m.UploadFile, upload_of(2**64), "size"),
        ("10^400", m.UploadFile, upload_of(10**400), "size"),
        ("1 is not true", m.UploadFile, upload_of('1,"overwrite":1'), "over"),
        (
            "a number is no name",
            m.UploadFile,
            f'{{"filename":1,"file_hash":"{D}","file_size":1}}',
            "filename",
        ),
        ("a missing field", m.UploadFile, '{"filename":"a"}', "file_size"),
        ("a list is no data", m.ListFiles, "[]", "object"),
        ("null is no data", m.ListFiles, "null", "object"),
        ("an unknown field of version 2", m.Stat, '{"path":"a","pathh":"b"}', "pathh"),
        (
            "an unknown field within",
            m.Put,
            f'{{"files":[{{"upload_id":"{I}","path":"a","size":1,"digest":"{D}","x":1}}]}}',
            "x",
        ),
        ("a short digest", m.Have, '{"digest":"abc","size":1}', "digest"),
        ("a digest with a newline behind", m.Have, f'{{"digest":"{D}\\n","size":1}}', "digest"),
        ("a digest with a letter", m.Have, f'{{"digest":"{D[1:]}g","size":1}}', "digest"),
        ("an upload id that climbs", m.Abort, '{"upload_id":"../../../../etc/passwd"}', "upload_id"),
        ("an upload id with a newline behind", m.Abort, f'{{"upload_id":"{I}\\n"}}', "upload_id"),
        ("an upload id of 15 characters", m.Abort, f'{{"upload_id":"{I[1:]}"}}', "upload_id"),
        ("an upload id of 65 characters", m.Abort, f'{{"upload_id":"{"a" * 65}"}}', "upload_id"),
        (
            "a conflict rule with a newline",
            m.Upload,
            f'{{"upload_id":"{I}","path":"a","on_conflict":"replace\\n"}}',
            "on_conflict",
        ),
        ("version 0", m.Stat, '{"path":"a","version":0}', "version"),
        (
            "a time beyond all calendars",
            m.Upload,
            f'{{"upload_id":"{I}","path":"a","modified":1e300}}',
            "modified",
        ),
        ("null for what may be left out", m.Stat, '{"path":"a","version":null}', "version"),
        ("HELLO of version 1", m.Hello, '{"version":1}', "version"),
        ("a page of 1001", m.List, '{"limit":1001}', "limit"),
        ("a page of none", m.List, '{"limit":0}', "limit"),
    ],
)
def test_a_field_of_the_wrong_kind_is_named(why: str, form: type[m.Request], data: str, field: str) -> None:
    with pytest.raises(BadRequest) as failure:
        parse(form, request(form.command, data))
    assert field in failure.value.message, why


def test_version_1_ignores_what_it_does_not_know() -> None:
    raw = request("AUTH", '{"username":"a","password":"b","otp":[1,{}]}', ',"id":1')
    assert parse(m.Auth, raw) == m.Auth(username="a", password="b")


@pytest.mark.parametrize("more", [',"id":1', ',"status":"OK"', ',"Data":{}'])
def test_version_2_refuses_neighbours_of_data(more: str) -> None:
    with pytest.raises(BadRequest, match="unknown field"):
        parse(m.WhoAmI, request("WHOAMI", "{}", more))


@pytest.mark.parametrize("form", MESSAGES, ids=lambda form: form.__name__)
def test_a_sample_of_every_message_comes_back_as_it_went(form: type[Any]) -> None:
    assert _round_trip(sample(form)) == sample(form)


@pytest.mark.parametrize("form", MESSAGES, ids=lambda form: form.__name__)
@settings(max_examples=25)
@given(data=st.data())
def test_every_message_comes_back_as_it_went(form: type[Any], data: st.DataObject) -> None:
    message = data.draw(values(form))
    assert _round_trip(message) == message


def _round_trip(message: m.Request | m.Reply) -> m.Request | m.Reply:
    """Through bytes and back; the bytes are what json would make of them, too."""
    if isinstance(message, m.Request):
        frame, key, name = codec.encode_request(message), "command", message.command
    else:
        frame, key, name = codec.encode_reply(message), "status", message.status
    raw = frame[HEADER_SIZE:]
    assert int.from_bytes(frame[:HEADER_SIZE]) == len(raw)
    assert json.loads(raw)[key] == name
    assert set(json.loads(raw)) == {key, "data"}
    envelope = codec.open_envelope(raw)
    assert getattr(envelope, key) == name
    if isinstance(message, m.Request) and message.protocol == 2:
        codec.refuse_strangers(raw)
    return codec.decode_data(envelope.data, type(message))


@given(values(End), values(Aborted))
def test_the_ends_of_a_body_come_back_as_they_went(end: End, aborted: Aborted) -> None:
    for kind, body in ((Kind.END, end), (Kind.ABORT, aborted)):
        frame = codec.encode_segment(kind, body)
        assert codec.decode_body(frame[HEADER_SIZE:], type(body)) == body


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b'{"size":-1}',
        b'{"size":true}',
        b'{"size":1,"size":2}',
        b'{"size":1,"more":2}',
        b'{"size":1}\n\0',
        b'{"size":1,"digest":"x"}',
    ],
)
def test_an_end_that_is_none_breaks_the_protocol(raw: bytes) -> None:
    with pytest.raises(ProtocolError):
        codec.decode_body(raw, End)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters(codec=None))),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=12,
)


REQUEST_LIKE = st.fixed_dictionaries(
    {"command": st.sampled_from([form.command for form in REQUESTS]), "data": JSON}
)


@given(
    st.one_of(st.binary(max_size=200), st.one_of(JSON, REQUEST_LIKE).map(lambda v: json.dumps(v).encode())),
    st.sampled_from(REQUESTS),
)
def test_any_bytes_are_a_request_or_refused(raw: bytes, form: type[m.Request]) -> None:
    try:
        assert isinstance(parse(form, raw), form)
    except FileshareError as error:
        assert isinstance(error, ProtocolError | BadRequest)


def test_no_two_messages_share_a_name_in_one_version() -> None:
    names = [(form.protocol, form.command) for form in REQUESTS]
    assert len(set(names)) == len(names)
    assert len(REPLIES) > 20


@given(
    st.recursive(
        st.text('[]{}"\\\\é,:', max_size=4), lambda inner: st.lists(inner, max_size=3), max_leaves=40
    )
)
def test_what_looks_flat_at_a_glance_is(value: object) -> None:
    for raw in (json.dumps(value).encode(), json.dumps({"a": value}, ensure_ascii=False).encode()):
        for limit in range(1, 8):
            assert not codec._flat(raw, limit) or not codec._too_deep(raw, limit)


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 17 + b"]" * 17,
        b'["]",' * 17 + b"1" + b"]" * 17,
        b'[["]"],' * 17 + b"1" + b"]" * 17,
        b'[{"a": "}]"},' * 17 + b"1" + b"]" * 17,
        b'["\\"]\\"",' * 17 + b"1" + b"]" * 17,
        b'{"a":' * 17 + b"{}" + b"}" * 17,
    ],
)
def test_brackets_in_texts_hide_no_depth(raw: bytes) -> None:
    with pytest.raises(ProtocolError, match="nests deeper"):
        codec.check_structure(raw)


def test_a_long_list_of_small_objects_is_seen_to_be_flat() -> None:
    results = [m.GetResult(version=1, size=5, digest="0" * 64, modified=5.5)] * 1000
    assert codec._flat(codec.encode_reply(m.GetBegin(results=results))[8:], 16)
