"""The least that a verified upload costs: read, hash, send; receive, hash, write, sync.

python -I bare_copy.py receive FILE, then send PORT FILE. Each end prints the seconds of the
processor that it took from the first byte to the last, its own start left out. It has no
protocol, no checkpoints and no database, and knows nothing of fileshare.
"""

import hashlib
import os
import socket
import sys
import time
from pathlib import Path

PIECE = 256 << 10
"""Small enough to be hashed while it is in the processor's cache; larger and smaller ones cost more."""


def send(port: int, path: Path) -> float:
    """The sender's seconds."""
    view, digest = memoryview(bytearray(PIECE)), hashlib.sha256()
    with socket.create_connection(("127.0.0.1", port)) as line, path.open("rb", buffering=0) as file:
        began = time.process_time()
        while count := file.readinto(view):
            digest.update(view[:count])
            line.sendall(view[:count])
        return time.process_time() - began


def receive(path: Path) -> float:
    """The receiver's seconds; its port is printed first."""
    view, digest = memoryview(bytearray(PIECE)), hashlib.sha256()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        line, _ = listener.accept()
    with line, path.open("wb", buffering=0) as file:
        began = time.process_time()
        while count := line.recv_into(view, PIECE, socket.MSG_WAITALL):
            digest.update(view[:count])
            file.write(view[:count])
        os.fsync(file.fileno())
        return time.process_time() - began


if __name__ == "__main__":
    way, *words = sys.argv[1:]
    seconds = send(int(words[0]), Path(words[1])) if way == "send" else receive(Path(words[0]))
    sys.stdout.write(f"{seconds}\n")
