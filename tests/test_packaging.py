"""What `pip install .` would install: both commands, templates, static files, and nothing private."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, built once. Not isolated: the build backend is among the tests' packages."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    (built,) = folder.glob("fileshare-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """The wheel unpacked elsewhere, as an installer would: where nothing of the checkout is near."""
    folder = wheel.parent / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_wheel_holds_every_template_and_static_file(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        f"fileshare/{path.relative_to(ROOT)}"
        for folder in ("templates", "static")
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
    }
    assert expected
    assert expected <= names


def test_wheel_holds_every_file_of_the_package_and_no_test(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    source = ROOT / "src"
    expected = {
        str(path.relative_to(source))
        for path in (source / "fileshare").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert expected <= names
    assert not [name for name in names if not name.startswith("fileshare")]


def test_installed_package_finds_its_assets(installed: Path) -> None:
    code = "from fileshare.web.assets import find_assets as f; a = f(); print(a.templates, a.static)"
    found = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(installed)},
        cwd=installed, check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert found.stdout.split() == [str(installed / "fileshare" / name) for name in ("templates", "static")]


@pytest.mark.parametrize("command", ["server", "client"])
def test_installed_command_starts(installed: Path, command: str) -> None:
    code = f"import sys; from fileshare.cli.{command} import main; sys.exit(main(['--version']))"
    found = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(installed)},
        cwd=installed, check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.startswith("fileshare")
