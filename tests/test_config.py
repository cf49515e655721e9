"""Settings: which source wins, what is refused and with which sentence, and that the document is true."""

import re
from pathlib import Path

import pytest

from fileshare.config import SETTINGS, Config, Setting, in_force, load
from fileshare.errors import BadRequest

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "configuration.md"


def refusal(
    flags: dict[str, str] | None = None, environ: dict[str, str] | None = None, file: Path | None = None
) -> str:
    with pytest.raises(BadRequest) as caught:
        load(flags or {}, environ or {}, file)
    assert "\n" not in caught.value.message
    return caught.value.message


def written(folder: Path, text: str, name: str = "settings.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


# Where a setting comes from


def test_defaults_are_those_that_users_were_promised() -> None:
    config = load({}, {})
    assert (config.host, config.port, config.web_host, config.web_port) == ("0.0.0.0", 9000, "0.0.0.0", 5000)
    assert (config.data_dir, config.require_auth, config.max_file_size) == (Path("data"), True, None)
    assert (config.trash_days, config.keep_versions, config.upload_days) == (30, 0, 7)
    assert (config.frame_before_auth, config.frame_after_auth, config.json_depth) == (4096, 65536, 16)
    assert (config.max_unauthenticated, config.max_unauthenticated_per_address) == (100, 20)
    assert (config.first_frame_seconds, config.stall_seconds, config.drain_seconds) == (10, 60, 10)


def test_flag_beats_environment_beats_file_beats_default(tmp_path: Path) -> None:
    file = written(tmp_path, "port = 1\nweb_port = 1\nkeep_versions = 1\n")
    settings = in_force({"port": "3"}, {"FILESHARE_PORT": "2", "FILESHARE_WEB_PORT": "2"}, file)
    found = {name: (settings[name].value, settings[name].source) for name in SETTINGS}
    assert found["port"] == (3, "flag --port")
    assert found["web_port"] == (2, "environment FILESHARE_WEB_PORT")
    assert found["keep_versions"] == (1, f"file {file}")
    assert found["trash_days"] == (30, "default")


def test_file_in_the_data_folder_is_found(tmp_path: Path) -> None:
    written(tmp_path, "port = 1234\n", "fileshare.toml")
    assert load({"data_dir": str(tmp_path)}, {}).port == 1234
    assert load({}, {"FILESHARE_DATA_DIR": str(tmp_path)}).port == 1234


def test_named_file_is_read_instead_of_the_one_in_the_data_folder(tmp_path: Path) -> None:
    written(tmp_path, "port = 1234\n", "fileshare.toml")
    named = written(tmp_path, "port = 4321\n")
    assert load({"data_dir": str(tmp_path)}, {}, named).port == 4321
    assert load({"data_dir": str(tmp_path)}, {"FILESHARE_CONFIG": str(named)}).port == 4321


def test_relative_path_in_a_file_starts_at_the_file(tmp_path: Path) -> None:
    config = load({}, {}, written(tmp_path, 'data_dir = "files"\ntls_cert = "/etc/cert.pem"\n'))
    assert config.data_dir == tmp_path / "files"
    assert config.tls_cert == Path("/etc/cert.pem")


def test_settings_of_the_client_are_not_the_servers() -> None:
    assert load({}, {"FILESHARE_CLIENT_HOST": "example.org", "FILESHARE": "x", "OTHER": "y"}) == Config()


# How values may be written


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("4096", 4096),
        ("64 KiB", 65536),
        ("64KiB", 65536),
        ("1.5 MiB", 1572864),
        ("1 GB", 10**9),
        ("1 gib", 2**30),
        ("0.1 TB", 10**11),
        ("none", None),
        ("", None),
    ],
)
def test_size_may_have_a_unit(text: str, count: int | None) -> None:
    assert load({"max_file_size": text}, {}).max_file_size == count


@pytest.mark.parametrize("text", ["-1", "1 GiB per file", "KiB", "1e9", "٣", "1 XB", "0", "9" * 40, "true"])
def test_nonsense_is_no_size(text: str) -> None:
    assert "a size from 1 to 8192 TiB, like 64 MiB or 1.5 GB, or none" in refusal({"max_file_size": text})


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("Yes", True), ("1", True), ("off", False), ("0", False)]
)
def test_switch_may_be_written_in_several_ways(text: str, value: bool) -> None:
    assert load({"require_auth": text}, {}).require_auth is value


def test_networks_are_a_list_in_a_file_and_separated_by_commas_elsewhere(tmp_path: Path) -> None:
    in_file = load({}, {}, written(tmp_path, 'trusted_proxies = ["10.0.0.0/8", "::1"]\n'))
    in_flag = load({"trusted_proxies": "10.0.0.0/8, ::1"}, {})
    assert in_file.trusted_proxies == in_flag.trusted_proxies
    assert [str(network) for network in in_flag.trusted_proxies] == ["10.0.0.0/8", "::1/128"]


def test_public_url_loses_its_last_slash() -> None:
    assert load({"public_url": "https://example.org/share/"}, {}).public_url == "https://example.org/share"


# What is refused


@pytest.mark.parametrize(
    ("flags", "environ", "sentence"),
    [
        (
            {"web_port": "70000"},
            {},
            "web_port is '70000' (flag --web-port): write a port from 0 to 65535.",
        ),
        (
            {},
            {"FILESHARE_PORT": "tcp://10.0.0.1:9000"},
            "port is 'tcp://10.0.0.1:9000' (environment FILESHARE_PORT): write a port from 0 to 65535.",
        ),
        (
            {},
            {"FILESHARE_WEBPORT": "1"},
            "the environment sets FILESHARE_WEBPORT, which is no setting: did you mean FILESHARE_WEB_PORT?",
        ),
        ({"tls_key": "k"}, {}, "tls_key is k (flag --tls-key): it needs tls_cert as well."),
        (
            {"log_level": "loud"},
            {},
            "log_level is 'loud' (flag --log-level): write debug, info, warning or error.",
        ),
        (
            {"tcp_plain": "all"},
            {},
            "tcp_plain is all (flag --tcp-plain): it needs tls_cert to mean anything.",
        ),
    ],
)
def test_refusal_is_one_sentence_that_helps(
    flags: dict[str, str], environ: dict[str, str], sentence: str
) -> None:
    assert refusal(flags, environ) == sentence


def test_misspelt_key_in_a_file_names_the_nearest(tmp_path: Path) -> None:
    file = written(tmp_path, "trash_day = 5\n")
    assert refusal(file=file) == f"{file} sets trash_day, which is no setting: did you mean trash_days?"
    assert "`fileshare config` lists them all" in refusal(file=written(tmp_path, "zzz = 5\n"))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("port = true", "port is True"),
        ("port = 9000.5", "port is 9000.5"),
        ("host = 5", "host is 5"),
        ('data_dir = "a\\u0000b"', "data_dir is 'a\\x00b'"),
        ("[server]\nport = 1", "sets server, which is no setting"),
        ("port = ", "is not valid TOML"),
    ],
)
def test_wrong_file_is_refused(tmp_path: Path, text: str, part: str) -> None:
    assert part in refusal(file=written(tmp_path, text))


def test_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert refusal(file=tmp_path / "no.toml").endswith("can't be read: No such file or directory.")


def test_data_folder_can_not_move_itself(tmp_path: Path) -> None:
    written(tmp_path, 'data_dir = "/elsewhere"\n', "fileshare.toml")
    assert "which was found in the data folder itself" in refusal({"data_dir": str(tmp_path)})


def test_secret_is_neither_shown_nor_repeated_nor_a_flag(tmp_path: Path) -> None:
    environ = {"FILESHARE_ADMIN_PASSWORD": "hunter22hunter22"}
    assert load({}, environ).admin_password == "hunter22hunter22"
    assert "hunter22" not in in_force({}, environ)["admin_password"].shown
    assert "12345678" not in refusal(file=written(tmp_path, "admin_password = 12345678\n"))
    assert SETTINGS["admin_password"].flag is None


# The documentation


def table() -> list[str]:
    rows = ["| Setting | Value | Default | What and why |", "| --- | --- | --- | --- |"]
    for setting in SETTINGS.values():
        default = setting.kind.show(setting.default)
        rows.append(f"| `{setting.name}` | {setting.kind.wanted} | `{default}` | {setting.doc} |")
    return rows


def test_documentation_has_every_setting_as_it_is() -> None:
    documented = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("|")]
    assert documented == table(), f"write the table anew: python -m {__name__}"


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_setting_says_in_one_sentence_what_it_does(setting: Setting) -> None:
    assert re.fullmatch(r"[A-Z][^|\n]*[.]", setting.doc)


def test_default_is_a_value_that_its_kind_takes() -> None:
    flags = {name: row.kind.show(row.default) for name, row in SETTINGS.items() if name != "admin_password"}
    assert load(flags, {}) == Config()


@pytest.mark.parametrize("name", SETTINGS)
def test_setting_has_an_effect_somewhere(name: str) -> None:
    source = ROOT / "src" / "fileshare"
    readers = [*source.glob("app/*.py"), *source.glob("cli/*.py")]
    assert any(re.search(rf"\bconfig\.{name}\b", path.read_text()) for path in readers)


if __name__ == "__main__":
    before, _, rest = DOCUMENT.read_text().partition("| Setting")
    after = rest.rpartition("|\n")[2]
    DOCUMENT.write_text(before + "\n".join(table()) + "\n" + after)
