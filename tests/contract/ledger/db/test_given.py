"""Rows given as one document arrive in both databases as if each had been a statement's parameters."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    MetaData,
    String,
    Table,
    Uuid,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.types import TypeEngine

from bureau.ledger.db.database import Database
from bureau.ledger.db.json_rows import JsonRows
from bureau.ledger.db.metadata import Json
from bureau.ledger.db.prepared import Prepared
from bureau.ledger.db.sql_time import UtcDateTime

KINDS: dict[str, TypeEngine[Any]] = {
    "id": Uuid(),
    "number": BigInteger(),
    "share": Float(),
    "text": String(),
    "data": Json,
    "at": UtcDateTime(),
}
ROWS = JsonRows(**KINDS)
TABLE = Table("given_in_a_test", MetaData(), *(Column(name, kind) for name, kind in KINDS.items()))
INSERT = insert(TABLE).from_select(list(KINDS), select(*(ROWS[name] for name in KINDS)))
UPDATE = update(TABLE).where(TABLE.c.id == ROWS["id"]).values(text=ROWS["text"], data=ROWS["data"])

# What the ledger lets in: text without NUL and lone surrogates, numbers that JSON has.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
NUMBER = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
# SQLite reads a number for a column of numbers itself, and may miss the last of seventeen digits: delays lose nothing.
MILLISECONDS = st.integers(-(10**12), 10**12).map(lambda number: number / 1000)
ROW: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "id": st.uuids(),
        "number": st.none() | st.integers(-(2**63), 2**63 - 1),
        "share": st.none() | MILLISECONDS,
        "text": st.none() | TEXT,
        "data": JSON,
        "at": st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
    }
)


@pytest.fixture
def table(db: Database) -> Iterator[Database]:
    with db.transaction() as connection:
        TABLE.create(connection)
    yield db
    with db.transaction() as connection:
        TABLE.drop(connection)


def stored(db: Database) -> dict[UUID, dict[str, Any]]:
    with db.read() as connection:
        return {row.id: dict(row._mapping) for row in connection.execute(select(TABLE))}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, max_size=6, unique_by=lambda row: str(row["id"])))
def test_every_value_comes_back_as_it_was(table: Database, rows: list[dict[str, Any]]) -> None:
    with table.transaction() as connection:
        connection.execute(delete(TABLE))
        ROWS.execute(connection, INSERT, rows)
    assert stored(table) == {row["id"]: row for row in rows}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(numbers=st.lists(NUMBER, min_size=1, max_size=20))
def test_a_number_that_is_a_whole_json_value_keeps_its_type_and_every_digit(
    table: Database, numbers: list[float]
) -> None:
    rows: list[dict[str, Any]] = [
        {**dict.fromkeys(KINDS), "id": UUID(int=place), "data": number} for place, number in enumerate(numbers)
    ]
    with table.transaction() as connection:
        for put in (lambda: connection.execute(insert(TABLE), rows), lambda: ROWS.execute(connection, INSERT, rows)):
            connection.execute(delete(TABLE))
            put()
            found = {row.id: row.data for row in connection.execute(select(TABLE.c.id, TABLE.c.data))}
            assert [repr(found[row["id"]]) for row in rows] == [repr(number) for number in numbers]


def test_a_number_that_an_older_version_stored_is_read(table: Database) -> None:
    row = {**dict.fromkeys(KINDS), "id": UUID(int=1), "data": [2.5]}
    with table.transaction() as connection:
        connection.execute(insert(TABLE), [row])
        connection.exec_driver_sql("UPDATE given_in_a_test SET data = '2.5'")
    assert stored(table)[UUID(int=1)]["data"] == 2.5


def test_each_row_changes_its_own_and_no_other(table: Database) -> None:
    rows: list[dict[str, Any]] = [
        {**dict.fromkeys(KINDS), "id": UUID(int=number), "text": "before"} for number in range(5)
    ]
    with table.transaction() as connection:
        ROWS.execute(connection, INSERT, rows)
        ROWS.execute(connection, UPDATE, [{**row, "text": f"after {row['id']}", "data": 4} for row in rows[:3]])
    found = stored(table)
    assert [found[row["id"]]["text"] for row in rows] == [*(f"after {row['id']}" for row in rows[:3]), *["before"] * 2]
    assert [found[row["id"]]["data"] for row in rows] == [4, 4, 4, None, None]


def test_a_thousand_rows_are_one_statement_and_none_are_none(table: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Mapping[str, Any]] = []
    execute = Prepared.execute

    def counted(prepared: Prepared, connection: Connection, parameters: Mapping[str, Any]) -> list[Any]:
        sent.append(parameters)
        return execute(prepared, connection, parameters)

    monkeypatch.setattr(Prepared, "execute", counted)
    for count, statements in ((0, 0), (1, 1), (1000, 1), (1001, 2)):
        sent.clear()
        with table.transaction() as connection:
            connection.execute(delete(TABLE))
            ROWS.execute(connection, INSERT, [{**dict.fromkeys(KINDS), "id": UUID(int=n)} for n in range(count)])
        assert len(sent) == statements
        assert len(stored(table)) == count


@pytest.mark.parametrize("text", ["a\0b", "half a pair \ud800"])
def test_a_text_that_a_database_would_spoil_is_refused(table: Database, text: str) -> None:
    row = dict.fromkeys(KINDS) | {"id": UUID(int=1), "text": text}
    with pytest.raises(ValueError, match=r"NUL|surrogates"), table.transaction() as connection:
        ROWS.execute(connection, INSERT, [row])
    assert stored(table) == {}
