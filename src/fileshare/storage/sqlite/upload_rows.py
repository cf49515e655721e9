"""The rows of uploads."""

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any, Final

from fileshare.domain.model import OnConflict, Upload, UploadState
from fileshare.errors import Conflict, Fenced, NotFound

_COLUMNS: Final = (
    'id, client_id, owner_id, path, size, digest, on_conflict, modified, state, "offset", epoch, boot_id,'
    " device, created, touched, found_digest, partial, note, hash_state"
)
_SELECT: Final = f"SELECT {_COLUMNS} FROM uploads "  # noqa: S608 (constants)
_INSERT: Final = (
    f"INSERT INTO uploads ({_COLUMNS})"  # noqa: S608 (constants)
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)"
)


def add(db: Connection, upload: Upload) -> None:
    """Insert a new upload. Raises Conflict when its id, or the client's for that owner, is taken."""
    if _select(db, "WHERE id = ?1", (upload.id,)) or (
        upload.client_id is not None and by_client_id(db, upload.owner_id, upload.client_id)
    ):
        raise Conflict("There is an upload of that id already.")
    db.execute(
        _INSERT,
        (
            upload.id,
            upload.client_id,
            upload.owner_id,
            upload.path,
            upload.size,
            _raw(upload.digest),
            upload.on_conflict.value,
            upload.modified,
            upload.state.value,
            upload.offset,
            upload.epoch,
            upload.boot_id,
            upload.device,
            upload.created,
            upload.touched,
            _raw(upload.found_digest),
            upload.partial,
            upload.note,
            upload.hash_state,
        ),
    )


def find(db: Connection, upload_id: str) -> Upload:
    """The upload of that id. Raises NotFound."""
    found = _select(db, "WHERE id = ?1", (upload_id,))
    if not found:
        raise NotFound("There is no upload of that id.")
    return found[0]


def by_client_id(db: Connection, owner_id: int, client_id: str) -> Upload | None:
    """The owner's upload with that client id."""
    found = _select(db, "WHERE owner_id = ?1 AND client_id = ?2", (owner_id, client_id))
    return found[0] if found else None


def furthest(db: Connection, owner_id: int, path: str, digest: str) -> Upload | None:
    """The owner's upload of that path and promised digest with the highest offset."""
    found = _select(
        db,
        "WHERE owner_id = ?1 AND path = ?2 AND digest = ?3"
        ' ORDER BY "offset" DESC, created DESC, id DESC LIMIT 1',
        (owner_id, path, bytes.fromhex(digest)),
    )
    return found[0] if found else None


def newest_first(db: Connection, owner_id: int | None) -> Sequence[Upload]:
    """All uploads, or one owner's."""
    if owner_id is None:
        return _select(db, "ORDER BY created DESC, id DESC", ())
    return _select(db, "WHERE owner_id = ?1 ORDER BY created DESC, id DESC", (owner_id,))


def update(db: Connection, upload: Upload, expected_epoch: int) -> None:
    """Store how far an upload is. Raises Fenced when its row has another epoch, NotFound without a row."""
    changed = db.execute(
        'UPDATE uploads SET state = ?3, "offset" = ?4, epoch = ?5, boot_id = ?6, device = ?7, touched = ?8,'
        " found_digest = ?9, size = ?10, hash_state = ?11 WHERE id = ?1 AND epoch = ?2",
        (
            upload.id,
            expected_epoch,
            upload.state.value,
            upload.offset,
            upload.epoch,
            upload.boot_id,
            upload.device,
            upload.touched,
            _raw(upload.found_digest),
            upload.size,
            upload.hash_state,
        ),
    )
    if not changed.rowcount:
        find(db, upload.id)
        raise Fenced()


def drop(db: Connection, upload_id: str) -> None:
    """Forget an upload."""
    db.execute("DELETE FROM uploads WHERE id = ?1", (upload_id,))


def _select(db: Connection, condition: str, values: tuple[object, ...]) -> list[Upload]:
    return [_to_upload(row) for row in db.execute(_SELECT + condition, values)]


def _to_upload(row: Sequence[Any]) -> Upload:
    """An upload from a row of `_COLUMNS`, which are its fields in order."""
    upload_id, client_id, owner_id, path, size, digest, on_conflict, modified, *rest = row
    state, offset, epoch, boot_id, device, created, touched, found_digest, partial, note, hash_state = rest
    return Upload(
        id=upload_id,
        client_id=client_id,
        owner_id=owner_id,
        path=path,
        size=size,
        digest=_hex(digest),
        on_conflict=OnConflict(on_conflict),
        modified=modified,
        state=UploadState(state),
        offset=offset,
        epoch=epoch,
        boot_id=boot_id,
        device=device,
        created=created,
        touched=touched,
        found_digest=_hex(found_digest),
        partial=bool(partial),
        note=note,
        hash_state=hash_state,
    )


def _raw(digest: str | None) -> bytes | None:
    return None if digest is None else bytes.fromhex(digest)


def _hex(digest: bytes | None) -> str | None:
    return None if digest is None else digest.hex()
