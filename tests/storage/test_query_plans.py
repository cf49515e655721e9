"""Pages come straight from an index: a folder of a million files is listed as fast as one of ten."""

import sqlite3
from collections.abc import Sequence

import pytest

from fileshare.storage.sqlite import (
    entry_rows,
    listing,
    receipt_rows,
    repacking,
    searching,
    shelf,
    small_rows,
    tree,
    walking,
)
from fileshare.storage.sqlite.database import Database


async def plan(database: Database, statement: str, values: Sequence[object] | dict[str, object]) -> list[str]:
    def explain(db: sqlite3.Connection) -> list[str]:
        return [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}", values)]

    return await database.read(explain)


@pytest.mark.parametrize("continued", [False, True])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(
    "order",
    [
        (tree.FILE, "name", "entries_by_name"),
        (tree.FILE, "size", "files_by_size"),
        (tree.FILE, "modified", "entries_by_modified"),
        (tree.FOLDER, "name", "folders_by_name"),
        (tree.FOLDER, "modified", "entries_by_modified"),
    ],
)
async def test_a_page_of_a_folder_is_read_from_its_index_in_order(
    database: Database, order: tuple[int, str, str], descending: bool, continued: bool
) -> None:
    kind, sort, index = order
    values = {"folder": 1, "limit": 10, "value": 0, "name": "x", "id": 0}
    steps = await plan(database, listing._folder(kind, sort, descending, continued), values)
    assert f"USING INDEX {index} (parent_id=?" in steps[0]
    if continued:
        assert ("<" if descending else ">") in steps[0]
    assert not any("TEMP B-TREE" in step or step.startswith("SCAN") for step in steps)


async def test_a_walk_reads_names_in_order(database: Database) -> None:
    children = entry_rows.SELECT + "WHERE e.parent_id = ?1 AND e.name > ?2 ORDER BY e.name"
    steps = await plan(database, children, (1, ""))
    assert "USING INDEX entries_by_name (parent_id=? AND name>?)" in steps[0]
    assert not any("TEMP B-TREE" in step or step.startswith("SCAN") for step in steps)


async def test_counting_reads_no_rows_of_files(database: Database) -> None:
    steps = await plan(database, walking._COUNT, {"folder": 1})
    assert any("e USING COVERING INDEX" in step for step in steps)


async def test_receipts_are_found_without_reading_all(database: Database) -> None:
    for condition, values in (
        ("WHERE upload_id IN (SELECT value FROM json_each(?1))", ("[]",)),
        ("WHERE owner_id = ?1 AND client_id IN (SELECT value FROM json_each(?2))", (1, "[]")),
        ("WHERE owner_id = ?1 AND requested = ?2 AND digest = ?3", (1, "", b"")),
    ):
        steps = await plan(database, receipt_rows._SELECT + condition, values)
        assert "SEARCH receipts USING INDEX" in steps[0]
    steps = await plan(database, receipt_rows._EXPIRE, (1,))
    assert "SEARCH receipts USING INTEGER PRIMARY KEY (rowid<?)" in steps[0]


async def test_small_files_are_read_by_keys_alone(database: Database) -> None:
    steps = await plan(database, small_rows._SELECT, (1, "x"))
    assert "USING INDEX entries_by_name (parent_id=? AND name=?)" in steps[0]
    assert all(step.startswith("SEARCH") for step in steps)


SEARCHES = {"folder": 1, "kind": 1, "query": "x", "limit": 10, "value": 0, "name": "x", "id": 0}


@pytest.mark.parametrize("continued", [False, True])
@pytest.mark.parametrize("sort", ["name", "size", "modified"])
@pytest.mark.parametrize(
    ("source", "condition"), [("new", "rowid>?"), ("renamed", "rowid=?"), ("changed", "rowid=?")]
)
async def test_a_search_reads_no_row_of_an_entry_that_is_packed(
    database: Database, source: str, condition: str, sort: str, continued: bool
) -> None:
    steps = await plan(database, searching.statement_for(source, sort, False, continued), SEARCHES)
    entries = [step for step in steps if "entries" in step or step.startswith(("SEARCH e", "SCAN e"))]
    assert entries == [f"SEARCH e USING INTEGER PRIMARY KEY ({condition})"]


@pytest.mark.parametrize("sort", ["name", "size", "modified"])
async def test_a_search_in_a_small_folder_reads_what_lies_below_it(database: Database, sort: str) -> None:
    steps = await plan(database, searching.statement_for("below", sort, False, False), SEARCHES)
    assert any("SEARCH e USING INDEX" in step and "(parent_id=?" in step for step in steps)
    assert not any("SCAN e" in step for step in steps)


async def test_what_a_search_found_is_read_by_id(database: Database) -> None:
    steps = await plan(database, listing._BY_ID, ("[1, 2]",))
    assert [step for step in steps if step.startswith("SCAN")] == ["SCAN wanted VIRTUAL TABLE INDEX 1:"]


async def test_packs_and_what_is_found_in_them_are_read_by_key(database: Database) -> None:
    asked: list[tuple[str, tuple[object, ...] | dict[str, object]]] = [
        *((searching._PACKS[sort], (1,)) for sort in searching._PACKS),
        (shelf._ROW, (1, "names")),
        (repacking._ENTRIES, (1, 4096)),
    ]
    for statement, values in asked:
        steps = await plan(database, statement, values)
        assert steps[0].startswith("SEARCH") and not any(step.startswith("SCAN") for step in steps), statement
