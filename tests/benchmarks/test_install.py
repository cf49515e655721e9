"""What is installed, and by which means; nothing is, here."""

from pathlib import Path
from typing import ClassVar

import pytest

from benchmarks import install, places
from benchmarks.peer import Peer, find
from tests.benchmarks.copy_peer import Absent, Copy


class FromDebian(Absent):
    packages: ClassVar[tuple[str, ...]] = ("some-package",)


class FromPypi(Absent):
    python_packages: ClassVar[tuple[str, ...]] = ("some-wheel",)


class FromNpm(Copy):
    npm_packages: ClassVar[tuple[str, ...]] = ("@some/package",)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What each of the three installers was asked for."""
    asked: list[object] = []

    def packages(names: list[str]) -> int:
        asked.extend(names)
        return 0

    monkeypatch.setattr(install, "_from_debian", packages)
    monkeypatch.setattr(install, "_from_pypi", packages)
    monkeypatch.setattr(install, "_from_npm", lambda: packages(["npm"]))
    return asked


def use(monkeypatch: pytest.MonkeyPatch, *peers: type[Peer]) -> None:
    monkeypatch.setattr(install, "known", lambda: {str(place): peer for place, peer in enumerate(peers)})


def test_each_means_is_asked_for_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, asked: list[object], tmp_path: Path
) -> None:
    monkeypatch.setattr(places, "NODE", tmp_path)
    use(monkeypatch, Copy, FromDebian, FromPypi, FromNpm)

    assert install.main() == 0
    assert asked == ["some-wheel", "npm", "some-package"]


def test_nothing_is_done_where_everybody_is_there(
    monkeypatch: pytest.MonkeyPatch, asked: list[object]
) -> None:
    use(monkeypatch, Copy)

    assert install.main() == 0
    assert asked == []


def test_a_missing_npm_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(places, "NODE", tmp_path)
    assert FromNpm.missing() == ["@some/package"]

    manifest = places.NODE / "node_modules" / "@some" / "package" / "package.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text("{}")
    assert FromNpm.missing() == []


def test_what_was_installed_for_the_peers_is_found_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "cp").write_text("#!/bin/sh\n")
    (tmp_path / "cp").chmod(0o755)
    monkeypatch.setattr(places, "PROGRAMS", tmp_path)

    assert find("cp") == str(tmp_path / "cp")
