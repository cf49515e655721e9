"""What a server process holds: memory and descriptors, as the kernel counts them."""

import re
import time
from dataclasses import dataclass
from pathlib import Path

_PAUSE = 0.05
_PATIENCE = 30.0


@dataclass(frozen=True)
class Held:
    """Resident memory in bytes (anonymous alone beside all of it), and open descriptors."""

    anonymous: int
    resident: int
    descriptors: int


def held(pid: int) -> Held:
    """What it holds now."""
    status = Path(f"/proc/{pid}/status").read_text()
    return Held(
        _bytes(status, "RssAnon"), _bytes(status, "VmRSS"), len(list(Path(f"/proc/{pid}/fd").iterdir()))
    )


def rested(pid: int, descriptors: int) -> Held:
    """What it holds once it has no more than so many descriptors, or after half a minute."""
    deadline = time.monotonic() + _PATIENCE
    while (now := held(pid)).descriptors > descriptors and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    return now


def _bytes(status: str, name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0
