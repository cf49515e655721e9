"""curl as the client of several peers: one file, or a list of files in one process."""

from collections.abc import Iterable
from pathlib import Path

from benchmarks.peer import Command, program

# A third of the time that one, or fifty, at a time take for many small files on two cores.
FEW = 4

# The most that curl does at once.
ALL = 300


def one(*arguments: str) -> Command:
    """Return a command that moves what the arguments name, and fails on any status that is no success."""
    quiet = ("-q", "--silent", "--show-error", "--fail", "--noproxy", "*")
    return Command((program("curl"), *quiet, *arguments))


def get(url: str, target: Path, *arguments: str) -> Command:
    """Return the command that fetches one file."""
    return one(*arguments, "--output", str(target), url)


def many(config: Path, transfers: Iterable[tuple[str, str]], *arguments: str, at_once: int = FEW) -> Command:
    """Return one curl for all transfers, its list written to `config` beforehand."""
    config.write_text("".join(f"{line}\n" for lines in transfers for line in lines), encoding="utf-8")
    parallel = ("--parallel", "--parallel-max", str(at_once))
    # Without this curl waits for a connection to learn whether it could share it.
    immediately = ("--parallel-immediate",) if at_once > FEW else ()
    return one(*parallel, *immediately, *arguments, "--config", str(config))


def uploads(source: Path, url: str) -> Iterable[tuple[str, str]]:
    """Yield the lines of a list that stores every file of a folder below the URL."""
    for path in sorted(source.rglob("*")):
        if path.is_file():
            yield f'upload-file = "{path}"', f'url = "{url}/{path.relative_to(source)}"'


def downloads(names: Iterable[Path], url: str, target: Path) -> Iterable[tuple[str, str]]:
    """Yield the lines of a list that fetches these names from below the URL to below the target."""
    for name in names:
        yield f'output = "{target / name}"', f'url = "{url}/{name}"'


def names(folder: Path) -> list[Path]:
    """Return every file below the folder, relative to it."""
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
