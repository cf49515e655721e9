"""Names of accounts, and what an address says."""

import pytest

from fileshare.domain.accounts import MAX_NAME, fold, parse_name
from fileshare.domain.addresses import group_of, is_loopback
from fileshare.errors import BadName


@pytest.mark.parametrize(
    "name", ["a", "bob", "Bob.Smith", "x_1-2@example.org", "_svc", "7of9", "jörg", "明", "a" * 64]
)
def test_names_of_letters_digits_and_a_few_signs_are_taken(name: str) -> None:
    assert parse_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a" * (MAX_NAME + 1),
        "a b",
        "a/b",
        "a\\b",
        "a\nb",
        "a\x00",
        "a\u202eb",
        "a\ud800",
        "a,b",
        "a:b",
        "<b>",
        ".",
        "..",
        "-x",
        "@home",
        "anonymous",
        "Anonymous",
        "ａnonymous",
    ],
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(BadName):
        parse_name(name)


def test_a_name_is_kept_in_one_form_however_it_was_typed() -> None:
    assert parse_name("jo\u0308rg") == "j\u00f6rg"


@pytest.mark.parametrize(
    ("one", "other"), [("Bob", "bOB"), ("STRASSE", "straße"), ("ＢＯＢ", "bob"), ("ﬁn", "fin")]
)
def test_names_that_look_the_same_are_one_account(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("no address", "no address"),
        ("x" * 1000, "x" * 64),
    ],
)
def test_an_address_is_counted_as_its_subscriber(address: str, group: str) -> None:
    assert group_of(address) == group


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_this_machine(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "0.0.0.0", "::", "fe80::1", "localhost", "127.1", "127.0.0.1 ", ""]
)
def test_everything_else_is_elsewhere(address: str) -> None:
    assert not is_loopback(address)
