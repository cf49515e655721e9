"""Style sheets and scripts: ours, and Bootstrap's from its package.

Kept in memory, and served under a fingerprint of them all, so that browsers may keep them
for ever and still have the right ones after an upgrade. A fixed table of names: a request
can't name anything else.
"""

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from aiohttp import web

from fileshare.web.assets import Assets

BOOTSTRAP_FILES = ("css/bootstrap.min.css", "js/bootstrap.bundle.min.js")

WORTH_COMPRESSING = 1024
"""Bytes: a smaller file fits one packet or two either way."""

FOR_EVER = "public, max-age=31536000, immutable"

KINDS = {
    ".css": "text/css; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
}
"""Our own and not the machine's table, which may be missing or call scripts something else."""

_DARK_RULE = re.compile(r"(?<![\w-])(\[data-bs-theme=dark\][^{}]*)\{([^{}]*)\}")
"""A rule of the page's switch; not of one element's own, as in `.navbar[data-bs-theme=dark]`."""


@dataclass(slots=True)
class StaticFile:
    """One file, as it is and compressed."""

    body: bytes
    kind: str
    etag: str = field(init=False)
    packed: bytes | None = None

    def __post_init__(self) -> None:
        self.etag = hashlib.sha256(self.body).hexdigest()[:32]

    def compressed(self) -> bytes | None:
        """The file by gzip, made at the first request; None where that gains nothing."""
        if self.packed is None and len(self.body) > WORTH_COMPRESSING and not self.kind.startswith("image/"):
            self.packed = gzip.compress(self.body, 9, mtime=0)
        return self.packed


class Static:
    """All of them by name."""

    def __init__(self, assets: Assets) -> None:
        self._files = {**_ours(assets.static), **_bootstrap()}
        told = "".join(f"{name}\0{file.etag}\0" for name, file in sorted(self._files.items()))
        self.fingerprint = hashlib.sha256(told.encode()).hexdigest()[:16]

    def url(self, name: str) -> str:
        """The path of a file. Raises KeyError for one that there is not, so that a template fails loudly."""
        if name not in self._files:
            raise KeyError(name)
        return f"/static/{self.fingerprint}/{name}"

    def find(self, name: str) -> StaticFile | None:
        """The file of that name."""
        return self._files.get(name)


STATIC: web.AppKey[Static] = web.AppKey("static", Static)


async def static_file(request: web.Request) -> web.Response:
    """One file. Under another fingerprint, a page's from before an upgrade, it is not to be kept."""
    static = request.app[STATIC]
    file = static.find(request.match_info["name"])
    if file is None:
        raise web.HTTPNotFound()
    current = request.match_info["fingerprint"] == static.fingerprint
    headers = {
        "Cache-Control": FOR_EVER if current else "no-cache",
        "ETag": f'"{file.etag}"',
        "Vary": "Accept-Encoding",
    }
    if any(tag.value == file.etag for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    packed = file.compressed() if "gzip" in request.headers.get("Accept-Encoding", "") else None
    if packed is not None:
        headers["Content-Encoding"] = "gzip"
    headers["Content-Type"] = file.kind
    return web.Response(body=packed or file.body, headers=headers)


def _ours(folder: Path) -> Mapping[str, StaticFile]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): _read(path.read_bytes(), path.name) for path in paths}


def _bootstrap() -> Mapping[str, StaticFile]:
    package = files("bootstrap")
    found = {}
    for name in BOOTSTRAP_FILES:
        body = package.joinpath(name).read_bytes()
        if name.endswith(".css"):
            body = dark_by_wish(body.decode()).encode()
        found[f"bootstrap/{name}"] = _read(body, name)
    return found


def dark_by_wish(css: str) -> str:
    """Bootstrap's dark colours where the system wishes so: its own switch would need a script."""

    def rewritten(rule: re.Match[str]) -> str:
        selectors = rule[1].replace("[data-bs-theme=dark]", ":root")
        return f"@media (prefers-color-scheme:dark){{{selectors}{{{rule[2]}}}}}"

    return _DARK_RULE.sub(rewritten, css)


def _read(body: bytes, name: str) -> StaticFile:
    return StaticFile(body, KINDS.get(Path(name).suffix, "application/octet-stream"))
