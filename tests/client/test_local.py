import os

import pytest

from fileshare.client.local import below, local_name, remote_name
from fileshare.errors import BadName


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "a/../../x",
        "/etc/passwd",
        "a//b",
        "",
        "a/",
        "C:\\x",
        "a\\..\\x",
        "a\0b",
        "a\nb",
        "e\u0301",
        "b/x",
        "ax/y",
    ],
)
def test_a_servers_path_cannot_leave_what_was_listed(path: str) -> None:
    with pytest.raises(BadName):
        below("a", path)


def test_a_proper_path_comes_out_relative() -> None:
    assert below("a", "a/b/c") == "b/c"
    assert below("", "a/b") == "a/b"


@pytest.mark.parametrize(
    ("path", "local"),
    [
        ("CON", "%43ON"),
        ("aux.txt", "%61ux.txt"),
        ("com1", "%63om1"),
        ("com0.tar.gz", "%63om0.tar.gz"),
        ("a:b", "a%3Ab"),
        ("trailing.", "trailing%2E"),
        ("trailing ", "trailing%20"),
        ('<>:"|?*', "%3C%3E%3A%22%7C%3F%2A"),
        ("console", "console"),
        ("ok.txt", "ok.txt"),
    ],
)
def test_names_that_windows_cannot_hold_are_escaped(path: str, local: str) -> None:
    assert local_name(path, windows=True) == local
    assert local_name(f"d/{path}", windows=True) == os.path.join("d", local)


def test_elsewhere_names_stay_as_they_are() -> None:
    assert local_name("CON/a:b.", windows=False) == "CON/a:b."


def test_local_names_become_nfc_with_slashes() -> None:
    assert remote_name("a\\e\u0301", separator="\\") == "a/\u00e9"
    with pytest.raises(BadName):
        remote_name("bad\udcff")
