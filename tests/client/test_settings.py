from pathlib import Path

import pytest

from fileshare.client.settings import KINDS, Settings, load
from fileshare.errors import BadRequest


def test_flags_win_over_environment_over_file_over_defaults(tmp_path: Path) -> None:
    (tmp_path / "client.toml").write_text('host = "file"\nport = 1\njobs = 2\n')
    environ = {"FILESHARE_CLIENT_HOST": "environ", "FILESHARE_CLIENT_PORT": "2"}
    settings = load({"host": "flag"}, environ, str(tmp_path))
    assert (settings.host, settings.port, settings.jobs, settings.retry_seconds) == ("flag", 2, 2, 300.0)
    assert settings.chosen == {"host", "port", "jobs"}


def test_an_unknown_key_of_the_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "client.toml").write_text('hots = "x"\n')
    with pytest.raises(BadRequest, match="hots"):
        load({}, {}, str(tmp_path))


def test_a_broken_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "client.toml").write_text("host = \n")
    with pytest.raises(BadRequest, match="not TOML"):
        load({}, {}, str(tmp_path))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "0"),
        ("port", "70000"),
        ("port", "x"),
        ("jobs", "0"),
        ("tls", "maybe"),
        ("retry_seconds", "-1"),
        ("retry_seconds", "nan"),
        ("limit_rate", "fast"),
        ("log_level", "loud"),
    ],
)
def test_a_wrong_value_names_where_it_came_from(name: str, value: str, tmp_path: Path) -> None:
    variable = f"FILESHARE_CLIENT_{name.upper()}"
    with pytest.raises(BadRequest, match=variable):
        load({}, {variable: value}, str(tmp_path))


def test_every_setting_has_a_kind_and_every_kind_a_field() -> None:
    assert set(KINDS) == set(Settings.__struct_fields__) - {"chosen"}


def test_rates_and_flags_are_read(tmp_path: Path) -> None:
    settings = load({"limit_rate": "2M", "tls": "true"}, {}, str(tmp_path))
    assert settings.limit_rate == 2 << 20
    assert settings.tls
