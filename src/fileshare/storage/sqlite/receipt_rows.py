"""The rows of receipts: what became of finished uploads."""

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any, Final

from fileshare.domain.model import Receipt

_SELECT: Final = (
    "SELECT owner_id, upload_id, client_id, requested, path, version, size, digest, created FROM receipts "
)
_INSERT: Final = (
    "INSERT INTO receipts (owner_id, upload_id, client_id, requested, path, version, size, digest, created)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
)


def of_upload(db: Connection, upload_id: str) -> Receipt | None:
    """The receipt of the upload with the server's own id."""
    return _first(db, "WHERE upload_id = ?1", (upload_id,))


def of_client(db: Connection, owner_id: int, client_id: str) -> Receipt | None:
    """The receipt of the owner's upload with that client id."""
    return _first(db, "WHERE owner_id = ?1 AND client_id = ?2", (owner_id, client_id))


def for_path(db: Connection, owner_id: int, path: str, digest: str) -> Receipt | None:
    """The newest receipt of that requested path and digest."""
    return _first(
        db,
        "WHERE owner_id = ?1 AND requested = ?2 AND digest = ?3 ORDER BY created DESC, id DESC LIMIT 1",
        (owner_id, path, bytes.fromhex(digest)),
    )


def add(db: Connection, receipt: Receipt, digest: bytes) -> None:
    """Insert a receipt; `digest` is its digest, raw."""
    db.execute(
        _INSERT,
        (
            receipt.owner_id,
            receipt.upload_id,
            receipt.client_id,
            receipt.requested,
            receipt.path,
            receipt.version,
            receipt.size,
            digest,
            receipt.created,
        ),
    )


def expire(db: Connection, before: int) -> int:
    """Forget receipts made before that time; returns how many."""
    return db.execute("DELETE FROM receipts WHERE created < ?1", (before,)).rowcount


def _first(db: Connection, condition: str, values: tuple[object, ...]) -> Receipt | None:
    row = db.execute(_SELECT + condition, values).fetchone()
    return None if row is None else _to_receipt(row)


def _to_receipt(row: Sequence[Any]) -> Receipt:
    owner_id, upload_id, client_id, requested, path, version, size, digest, created = row
    return Receipt(owner_id, upload_id, client_id, requested, path, version, size, digest.hex(), created)
