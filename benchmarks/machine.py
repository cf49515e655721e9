"""What a reader must know of the machine to place its figures; no name, path or address of it."""

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """A machine as it stands in a report; memory in bytes, the load average over one minute."""

    cores: int
    processor: str
    memory: int
    system: str
    kernel: str
    file_system: str
    python: str
    load_average: float

    @property
    def is_busy(self) -> bool:
        """Whether other work takes a good part of a core, which makes the figures worth less."""
        return self.load_average > 0.5


def describe(folder: Path) -> Machine:
    """Describe this machine, with the file system that holds the folder."""
    release = platform.freedesktop_os_release()
    return Machine(
        cores=os.cpu_count() or 1,
        processor=_first(r"model name\s*:\s*(.+)", "/proc/cpuinfo", platform.machine()),
        memory=int(_first(r"MemTotal:\s*(\d+)", "/proc/meminfo", "0")) * 1024,
        system=release.get("PRETTY_NAME", platform.system()),
        kernel=re.sub(r"[^0-9.].*", "", platform.release()),
        file_system=_file_system(folder.resolve()),
        python=platform.python_version(),
        load_average=os.getloadavg()[0],
    )


def _first(pattern: str, source: str, otherwise: str) -> str:
    found = re.search(pattern, Path(source).read_text(encoding="utf-8"))
    return found[1] if found else otherwise


def _file_system(folder: Path) -> str:
    """Return the type of the innermost mount above the folder."""
    best, kind = -1, "unknown file system"
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, mount, this_kind, *_ = line.split()
        point = Path(mount.replace("\\040", " "))
        if folder.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), this_kind
    return kind
