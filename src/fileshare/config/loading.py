"""Where settings come from: the default, then the TOML file, the environment, the flags.

The later one wins. Whatever is wrong ends in one sentence that names the setting,
the value, where it came from and what to write; nothing is ignored in silence.
"""

import difflib
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fileshare.config.table import SETTINGS, Config, Setting
from fileshare.errors import BadRequest

PREFIX = "FILESHARE_"
CLIENT_PREFIX = "FILESHARE_CLIENT_"
FILE_VARIABLE = "FILESHARE_CONFIG"
FILE_NAME = "fileshare.toml"
LONGEST_SHOWN = 80
"""Characters of a wrong value that the sentence repeats: a pasted file should not fill the screen."""


@dataclass(frozen=True, slots=True)
class InForce:
    """A setting's value and where it came from, as `fileshare config` shows it."""

    setting: Setting
    value: object
    source: str

    @property
    def shown(self) -> str:
        """The value as text; a secret is not shown."""
        return self.setting.kind.show(self.value)


def load(flags: Mapping[str, str], environ: Mapping[str, str], file: Path | None = None) -> Config:
    """The settings in force as one Config. Takes and raises what `in_force` does."""
    return config_of(in_force(flags, environ, file))


def config_of(settings: Mapping[str, InForce]) -> Config:
    """The Config that holds these values."""
    values: dict[str, Any] = {name: found.value for name, found in settings.items()}
    return Config(**values)


def in_force(
    flags: Mapping[str, str], environ: Mapping[str, str], file: Path | None = None
) -> dict[str, InForce]:
    """Every setting by name with its value and source.

    `flags` are the settings given as arguments, by name; `environ` is the whole
    environment, of which FILESHARE_… counts; `file` must exist when given, otherwise
    FILESHARE_CONFIG, otherwise `<data_dir>/fileshare.toml` where present. Raises
    BadRequest with one sentence for an unknown key, a bad value or an unreadable file.
    """
    found = {setting.name: InForce(setting, setting.default, "default") for setting in SETTINGS.values()}
    outer = _from_environment(environ) | _from_flags(flags)
    if file is None and environ.get(FILE_VARIABLE):
        file = Path(environ[FILE_VARIABLE])
    if file is not None:
        found |= _from_file(file)
    else:
        file = Path(outer.get("data_dir", found["data_dir"]).shown, FILE_NAME)
        if file.is_file():
            found |= _without_data_dir(_from_file(file), file)
    found |= outer
    _check_together(found)
    return found


def _from_flags(flags: Mapping[str, str]) -> dict[str, InForce]:
    return {name: _value(SETTINGS[name], raw, f"flag {SETTINGS[name].flag}") for name, raw in flags.items()}


def _from_environment(environ: Mapping[str, str]) -> dict[str, InForce]:
    by_variable = {setting.variable: setting for setting in SETTINGS.values()}
    found = {}
    for variable, raw in environ.items():
        if not variable.startswith(PREFIX) or variable.startswith(CLIENT_PREFIX) or variable == FILE_VARIABLE:
            continue
        if variable not in by_variable:
            raise _unknown(variable, "the environment", [*by_variable, FILE_VARIABLE])
        setting = by_variable[variable]
        found[setting.name] = _value(setting, raw, f"environment {variable}")
    return found


def _from_file(file: Path) -> dict[str, InForce]:
    found = {}
    for key, raw in _read_toml(file).items():
        if key not in SETTINGS:
            raise _unknown(key, str(file), SETTINGS)
        setting = _value(SETTINGS[key], raw, f"file {file}")
        if isinstance(setting.value, Path):
            # A path in a file means the same wherever the command is started from.
            setting = InForce(setting.setting, file.absolute().parent / setting.value, setting.source)
        found[key] = setting
    return found


def _read_toml(file: Path) -> dict[str, object]:
    try:
        with file.open("rb") as opened:
            return tomllib.load(opened)
    except OSError as error:
        raise BadRequest(f"The settings file {file} can't be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"The settings file {file} is not valid TOML: {error}.") from None


def _without_data_dir(found: dict[str, InForce], file: Path) -> dict[str, InForce]:
    if "data_dir" in found:
        raise BadRequest(
            f"data_dir can't be set in {file}, which was found in the data folder itself: "
            "remove that line, or name the file with --config."
        )
    return found


def _value(setting: Setting, raw: object, source: str) -> InForce:
    try:
        return InForce(setting, setting.kind.parse(raw), source)
    except ValueError:
        secret = setting.flag is None
        shown = "(not shown)" if secret else repr(raw)
        if len(shown) > LONGEST_SHOWN:
            shown = shown[:LONGEST_SHOWN] + "…"
        raise BadRequest(f"{setting.name} is {shown} ({source}): write {setting.kind.wanted}.") from None


def _unknown(key: str, place: str, known: Iterable[str]) -> BadRequest:
    near = difflib.get_close_matches(key, list(known), n=1, cutoff=0.5)
    hint = f": did you mean {near[0]}?" if near else "; `fileshare config` lists them all."
    return BadRequest(f"{place} sets {key}, which is no setting{hint}")


def _check_together(found: Mapping[str, InForce]) -> None:
    rules: list[tuple[str, str, Callable[[Any, Any], bool], str]] = [
        ("tls_key", "tls_cert", lambda key, cert: key is None or cert is not None, "needs tls_cert as well"),
        (
            "tcp_plain",
            "tls_cert",
            lambda plain, cert: plain == "off" or cert is not None,
            "needs tls_cert to mean anything",
        ),
        (
            "frame_before_auth",
            "frame_after_auth",
            lambda a, b: a <= b,
            "must not be larger than frame_after_auth",
        ),
        ("small_size", "window_bytes", lambda a, b: a <= b, "must not be larger than window_bytes"),
    ]
    for name, other, holds, sentence in rules:
        if not holds(found[name].value, found[other].value):
            raise BadRequest(f"{name} is {found[name].shown} ({found[name].source}): it {sentence}.")
