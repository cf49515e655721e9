"""A plain client for tus: python tus_upload.py ENDPOINT FILE NAME, with a token in the environment.

It sends 64 MiB at a time, each with its SHA-256, which it computes while the piece before is on its way. It
knows nothing of fileshare: whoever speaks tus 1.0 with the checksum extension takes its uploads.
"""

import base64
import hashlib
import http.client
import mmap
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

PIECE = 64 << 20
_COMMON = {"Tus-Resumable": "1.0.0"}


def main(endpoint: str, path: str, name: str) -> int:
    """Upload the file; return an exit code."""
    headers = {**_COMMON, "Authorization": f"Bearer {os.environ['TOKEN']}"}
    address = urlsplit(endpoint)
    connection = http.client.HTTPConnection(address.netloc, timeout=600)
    with open(path, "rb") as file, ThreadPoolExecutor(1) as hashing:  # noqa: PTH123 (pathlib costs start-up)
        size = os.fstat(file.fileno()).st_size
        place = _create(connection, address.path, headers, name, size)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as content:
            coming = hashing.submit(_checksum, content[:PIECE])
            for offset in range(0, size, PIECE):
                checked = {**headers, "Upload-Checksum": f"sha256 {coming.result()}"}
                coming = hashing.submit(_checksum, content[offset + PIECE : offset + 2 * PIECE])
                with content[offset : offset + PIECE] as piece:
                    _send(connection, place, checked, offset, piece)
            coming.result()
            del coming
    return 0


def _create(
    connection: http.client.HTTPConnection, path: str, headers: dict[str, str], name: str, size: int
) -> str:
    named = base64.b64encode(name.encode()).decode()
    told = {"Upload-Length": str(size), "Upload-Metadata": f"filename {named}", "Content-Length": "0"}
    connection.request("POST", path, headers={**headers, **told})
    reply = connection.getresponse()
    reply.read()
    if reply.status != http.client.CREATED:
        sys.exit(f"the upload was not made: {reply.status}")
    return urlsplit(reply.headers["Location"]).path


def _send(
    connection: http.client.HTTPConnection,
    path: str,
    headers: dict[str, str],
    offset: int,
    piece: memoryview,
) -> None:
    told = {
        **headers,
        "Upload-Offset": str(offset),
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": str(len(piece)),
    }
    connection.request("PATCH", path, body=piece, headers=told)
    reply = connection.getresponse()
    said = reply.read()
    if reply.status != http.client.NO_CONTENT or reply.headers["Upload-Offset"] != str(offset + len(piece)):
        sys.exit(f"a piece was not taken: {reply.status} {said!r}")


def _checksum(piece: memoryview) -> str:
    with piece:
        return base64.b64encode(hashlib.sha256(piece).digest()).decode()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
