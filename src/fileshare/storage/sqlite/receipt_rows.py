"""The rows of receipts: what became of finished uploads."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from sqlite3 import Connection
from typing import Any, Final

from fileshare.domain.model import Receipt
from fileshare.storage.sqlite import many_rows

_COLUMNS: Final = "owner_id, upload_id, client_id, requested, path, version, size, digest, created, note"
_SELECT: Final = f"SELECT {_COLUMNS} FROM receipts "  # noqa: S608 (constants)
_INTO: Final = f"INSERT INTO receipts ({_COLUMNS})"

_EXPIRE: Final = (
    "DELETE FROM receipts WHERE id < coalesce("
    "(SELECT id FROM receipts WHERE created >= ?1 ORDER BY id LIMIT 1), (SELECT max(id) + 1 FROM receipts))"
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


def known(db: Connection, upload_ids: Iterable[str], clients: Iterable[tuple[int, str]]) -> Iterator[Receipt]:
    """The receipts that any of these uploads have, by the server's id, or by owner and client id."""
    yield from _all(db, "WHERE upload_id IN (SELECT value FROM json_each(?1))", (json.dumps([*upload_ids]),))
    by_owner: defaultdict[int, list[str]] = defaultdict(list)
    for owner_id, client_id in clients:
        by_owner[owner_id].append(client_id)
    for owner_id, client_ids in by_owner.items():
        condition = "WHERE owner_id = ?1 AND client_id IN (SELECT value FROM json_each(?2))"
        yield from _all(db, condition, (owner_id, json.dumps(client_ids)))


def add(db: Connection, receipts: Iterable[Receipt]) -> None:
    """Insert new receipts."""
    many_rows.insert(db, _INTO, [_to_row(receipt) for receipt in receipts])


def expire(db: Connection, before: int) -> int:
    """Forget receipts made before that time; returns how many.

    They are made in the order of time, so it looks no further than the first that stays:
    an index by time would cost every upload more than this does.
    """
    return db.execute(_EXPIRE, (before,)).rowcount


def _first(db: Connection, condition: str, values: tuple[object, ...]) -> Receipt | None:
    row = db.execute(_SELECT + condition, values).fetchone()
    return None if row is None else _to_receipt(row)


def _all(db: Connection, condition: str, values: tuple[object, ...]) -> Iterator[Receipt]:
    return map(_to_receipt, db.execute(_SELECT + condition, values))


def _to_receipt(row: Sequence[Any]) -> Receipt:
    owner_id, upload_id, client_id, requested, path, version, size, digest, created, note = row
    return Receipt(
        owner_id, upload_id, client_id, requested, path, version, size, digest.hex(), created, note
    )


def _to_row(receipt: Receipt) -> tuple[object, ...]:
    return (
        receipt.owner_id,
        receipt.upload_id,
        receipt.client_id,
        receipt.requested,
        receipt.path,
        receipt.version,
        receipt.size,
        bytes.fromhex(receipt.digest),
        receipt.created,
        receipt.note,
    )
