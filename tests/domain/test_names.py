"""Names: what is refused, what it becomes, and how the second content of a name is called."""

import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fileshare.domain import names
from fileshare.domain.names import (
    MAX_NAME,
    MAX_PATH,
    join,
    name_of,
    numbered,
    parent_of,
    parse_folder,
    parse_path,
    shown,
)
from fileshare.errors import BadName

ANY_TEXT = st.text(st.characters(codec=None), max_size=80)
"""Lone surrogates and controls included."""

SPICY = st.text(
    st.one_of(
        st.sampled_from("./\\\0\n\x7f\x85 ~é\u0301\u200d\u202e\ud800\U0001f469\u212ba"),
        st.characters(codec=None),
    ),
    max_size=40,
)


def valid(text: str) -> bool:
    try:
        parse_path(text)
    except BadName:
        return False
    return True


NAMES = st.one_of(
    st.text(
        st.characters(exclude_characters="/\\", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=90
    ),
    st.builds(
        "".join,
        st.lists(
            st.sampled_from([".", "tar", "gz", "a", "é", "👩‍👩‍👧", "e\u0323\u0301", "x" * 60]), min_size=1
        ),
    ),
).filter(valid)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join).filter(valid)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("report.txt", "report.txt"),
        ("a/b/c.bin", "a/b/c.bin"),
        ("cafe\u0301", "caf\u00e9"),
        ("\u212b", "\u00c5"),
        ("ﬁ", "ﬁ"),  # compatibility forms are other names, NFC leaves them
        ("...", "..."),
        ("..foo", "..foo"),
        (" ", " "),
        ("CON", "CON"),
        ("a:b|c?*<>\"'", "a:b|c?*<>\"'"),
        ("C:/x", "C:/x"),
        ("%2e%2e", "%2e%2e"),
        ("a" * 255, "a" * 255),
        ("é" * 127, "é" * 127),
    ],
)
def test_names_that_are_taken(text: str, path: str) -> None:
    assert parse_path(text) == path


@pytest.mark.parametrize(
    ("attack", "text", "sentence"),
    [
        ("nothing", "", "empty"),
        ("root", "/", "empty name"),
        ("absolute", "/etc/passwd", "empty name"),
        ("trailing slash", "a/", "empty name"),
        ("double slash", "a//b", "empty name"),
        ("here", ".", "'.'"),
        ("parent", "..", "'..'"),
        ("climbing", "../../etc/passwd", "'..'"),
        ("climbing within", "a/../b", "'..'"),
        ("staying within", "a/./b", "'.'"),
        ("NUL", "a\0.txt", "control character '\\x00'"),
        ("newline", "a\nb", "control character '\\n'"),
        ("escape sequence", "\x1b[2J", "control character '\\x1b'"),
        ("delete", "\x7f", "control character"),
        ("C1 control", "a\x85b", "control character '\\x85'"),
        ("windows climbing", "..\\..\\x", "backslash"),
        ("share", "\\\\host\\share", "backslash"),
        ("lone surrogate", "a\ud800", "surrogate"),
        ("surrogate escape", b"\xff".decode("utf-8", "surrogateescape"), "surrogate"),
        ("name of 256 bytes", "a" * 256, "255 bytes"),
        ("name of 128 characters and 256 bytes", "é" * 128, "255 bytes"),
        ("long name within", "a/" + "b" * 256 + "/c", "255 bytes"),
        ("path of 4097 bytes", "a/" * 2048 + "b", "4096 bytes"),
        ("long path that NFC would lengthen", "\u0958/" * 700 + "b", "4096 bytes"),
    ],
)
def test_names_that_are_refused(attack: str, text: str, sentence: str) -> None:
    with pytest.raises(BadName) as failure:
        parse_path(text)
    assert sentence in failure.value.message, attack
    assert failure.value.message.isprintable(), "an error must not carry the attack on"
    assert len(failure.value.message) < 400


def test_longest_path_is_taken() -> None:
    text = "a/" * 2047 + "bc"
    assert len(text) == MAX_PATH
    assert parse_path(text) == text


def test_limits_hold_for_the_stored_form_not_the_sent_one() -> None:
    assert parse_path("e\u0301" * 127) == "é" * 127  # 381 bytes sent, 254 stored
    assert parse_path("\u212a" * 255) == "K" * 255  # 765 bytes sent, 255 stored
    with pytest.raises(BadName):
        parse_path("\u0958" * 84)  # 252 bytes sent, 504 stored


def test_flood_of_combining_marks_is_refused_before_it_is_ordered(monkeypatch: pytest.MonkeyPatch) -> None:
    def normalize(form: str, text: str) -> str:
        assert len(text) <= 4 * MAX_PATH
        return unicodedata.normalize(form, text)  # type: ignore[arg-type]

    monkeypatch.setattr(names, "normalize", normalize)
    for text in ("a" + "\u0315\u0300" * 16_000, "a\u0315\u0300/" * 5_000):
        with pytest.raises(BadName):
            parse_path(text)


def test_no_character_becomes_a_forbidden_one_by_normalization() -> None:
    whole = "".join(map(chr, range(sys.maxunicode + 1)))
    for at, char in enumerate(whole):
        if not char.isascii() and not "\ud800" <= char <= "\udfff":
            assert not set(unicodedata.normalize("NFC", char)) & set("/\\.\0"), hex(at)


def test_only_a_folder_may_be_the_root() -> None:
    assert parse_folder("") == ""
    assert parse_folder("a/b") == "a/b"
    with pytest.raises(BadName):
        parse_path("")
    with pytest.raises(BadName):
        parse_folder("/")


@given(st.one_of(ANY_TEXT, SPICY))
def test_any_text_is_either_a_path_or_a_bad_name(text: str) -> None:
    try:
        path = parse_path(text)
    except BadName as error:
        assert error.message.isprintable()
        return
    assert unicodedata.is_normalized("NFC", path)
    assert len(path.encode()) <= MAX_PATH
    assert not any(unicodedata.category(char) in ("Cc", "Cs") or char == "\\" for char in path)
    for name in path.split("/"):
        assert name not in ("", ".", "..")
        assert len(name.encode()) <= MAX_NAME


@given(PATHS)
def test_a_parsed_path_parses_to_itself(text: str) -> None:
    path = parse_path(text)
    assert parse_path(path) == path
    assert parse_path(unicodedata.normalize("NFD", path)) == path


@given(PATHS)
def test_a_path_is_its_folder_and_its_name(text: str) -> None:
    path = parse_path(text)
    assert join(parent_of(path), name_of(path)) == path
    assert "/" not in name_of(path)


def test_the_root_is_its_own_parent() -> None:
    assert (parent_of(""), name_of(""), join("", "a")) == ("", "", "a")


@pytest.mark.parametrize(
    ("name", "number", "expected"),
    [
        ("report.txt", 2, "report_v2.txt"),
        ("report.txt", 3, "report_v3.txt"),
        ("report.txt", 12, "report_v12.txt"),
        ("report_v2.txt", 2, "report_v2_v2.txt"),
        ("noext", 2, "noext_v2"),
        (".env", 2, ".env_v2"),
        (".env.local", 2, ".env_v2.local"),
        ("archive.tar.gz", 2, "archive_v2.tar.gz"),
        ("archive.TAR.zst", 2, "archive_v2.TAR.zst"),
        ("a.b.tar.xz", 2, "a.b_v2.tar.xz"),
        ("backup.tar", 2, "backup_v2.tar"),
        (".tar.gz", 2, ".tar_v2.gz"),
        ("tar.gz", 2, "tar_v2.gz"),
        ("photo.2024.jpg", 2, "photo.2024_v2.jpg"),
        ("trailing.", 2, "trailing._v2"),
        ("...", 2, "..._v2"),
        ("..foo", 2, "..foo_v2"),
        ("a" * 255, 2, "a" * 252 + "_v2"),
        ("a" * 251 + ".txt", 2, "a" * 248 + "_v2.txt"),
        ("é" * 125 + ".txt", 2, "é" * 124 + "_v2.txt"),
        ("a." + "x" * 253, 2, "a." + "x" * 250 + "_v2"),
        ("a" * 240 + "e\u0323\u0302\u0306x.txt", 2, "a" * 240 + "ệ\u0306x_v2.txt"),
        ("a" * 242 + "ệ\u0306\u0306.txt", 2, "a" * 242 + "_v2.txt"),
        ("a" * 230 + "👩‍👩‍👧.txt", 2, "a" * 230 + "👩‍👩‍👧_v2.txt"),
        ("a" * 231 + "👩‍👩‍👧.txt", 2, "a" * 231 + "_v2.txt"),
        ("a" * 243 + "👍🏽.txt", 2, "a" * 243 + "_v2.txt"),
    ],
)
def test_second_content_gets_a_numbered_name(name: str, number: int, expected: str) -> None:
    assert valid(name)
    assert numbered(parse_path(name), number) == expected


def test_marks_that_fill_a_whole_name_are_cut_at_a_code_point() -> None:
    name = "e" + "\u0316" * 127
    assert numbered(name, 2) == "e" + "\u0316" * 125 + "_v2"


@given(NAMES, st.integers(2, 10**12))
@example("." + "x" * 254, 2)
@example("x" * 254 + ".", 99)
def test_a_numbered_name_is_a_valid_other_name(text: str, number: int) -> None:
    name = name_of(parse_path(text))
    result = numbered(name, number)
    assert parse_path(result) == result
    assert result != name
    assert f"_v{number}" in result


@given(NAMES)
def test_numbers_in_order_give_different_names(text: str) -> None:
    given_names = [numbered(name_of(parse_path(text)), number) for number in range(2, 120)]
    assert len(set(given_names)) == len(given_names)


@given(NAMES.filter(lambda name: len(name.encode()) <= 240), st.integers(2, 99))
def test_a_short_name_keeps_every_character(text: str, number: int) -> None:
    name = parse_path(text)
    assert numbered(name, number).replace(f"_v{number}", "", 1) == name or f"_v{number}" in name


@pytest.mark.parametrize("number", [1, 0, -1])
def test_the_first_content_keeps_its_name(number: int) -> None:
    with pytest.raises(ValueError, match="first content"):
        numbered("a.txt", number)


@given(ANY_TEXT)
def test_a_shown_name_prints_and_is_short(text: str) -> None:
    assert shown(text).isprintable()
    assert len(shown(text)) <= 60 * 10 + 2
