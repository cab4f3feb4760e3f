"""Tests that `:name` placeholders are found only where SQL has no other use for a colon."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from bureau.services.reports.definition.query import InvalidQuery, Placeholder, parse_query


def names(sql: str) -> list[str]:
    return [placeholder.name for placeholder in parse_query(sql).placeholders]


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("select :a, :b_2 + :a", ["a", "b_2", "a"]),
        ("select * from t where x=:a", ["a"]),
        ("select x::int, y :: text, :a::date from t", ["a"]),
        ("select ':a', 'it''s :b', :c", ["c"]),
        ("select E'it\\'s :a', e'\\\\', :b", ["b"]),
        ("select 'back\\', :a", ["a"]),
        ('select ":a", "x "" :b", :c', ["c"]),
        ("select `:a`, :b", ["b"]),
        ("select $$ :a ' $$, $tag$ :b $$ $tag$, :c", ["c"]),
        ("select 1 -- :a '\n, :b", ["b"]),
        ("select 1 /* :a ' /* :b */ :c */, :d", ["d"]),
        ("select a[1:n], '12:30:00', :d", ["d"]),
        ("select @x := 1, :a", ["a"]),
        ("select '50%', :a % 2", ["a"]),
        ("select price1$:a", ["a"]),
        ("select :a;", ["a"]),
        ("select :a; -- the end\n/* really */ ", ["a"]),
        ("select ';', :a", ["a"]),
    ],
)
def test_a_colon_is_a_parameter_only_where_sql_has_no_use_for_it(sql: str, found: list[str]) -> None:
    assert names(sql) == found


@pytest.mark.parametrize(
    ("sql", "line", "words"),
    [
        ("", 1, "there is no SQL"),
        ("\n-- only a comment\n;", 1, "there is no SQL"),
        ("select 1;\n\nselect 2", 3, "second statement"),
        ("select 1; ;", 1, "second statement"),
        ("select\n'never closed", 2, "string literal"),
        ('select\n\n"never closed', 3, "quoted name"),
        ("select\n$x$ never closed $y$", 2, "dollar-quoted"),
        ("select 1 /* never /* closed */", 1, "comment"),
        ("select 1\n; /* never closed", 2, "comment"),
    ],
)
def test_sql_that_is_not_one_statement_is_an_error_with_its_line(sql: str, line: int, words: str) -> None:
    with pytest.raises(InvalidQuery, match=words) as error:
        parse_query(sql)
    assert error.value.line == line


def test_a_placeholder_has_its_line() -> None:
    assert parse_query("select 1\nwhere :a\n  = :b").placeholders == [Placeholder("a", 2), Placeholder("b", 3)]


def test_a_closing_semicolon_is_left_out() -> None:
    assert parse_query("select :a ; -- end").render(lambda name: f"%({name})s") == "select %(a)s "


@given(st.text(alphabet="a:'\"$`-/*%\\;e E\n1[]()", max_size=40))
def test_rendering_in_the_same_notation_returns_the_statement(sql: str) -> None:
    try:
        query = parse_query(sql)
    except InvalidQuery:
        return
    assert sql.startswith(query.render(lambda name: f":{name}"))


@given(st.text(alphabet="ab:%\\ '1", max_size=30))
def test_literals_reach_the_database_unchanged_in_every_notation(literal: str) -> None:
    quoted = "'" + literal.replace("'", "''") + "'"
    query = parse_query(f"select {quoted}, :a")

    with sqlite3.connect(":memory:") as connection:
        assert connection.execute(query.render(lambda name: f":{name}"), {"a": 7}).fetchone() == (literal, 7)

    escaped = query.render(lambda name: f":{name}", lambda sql: sql.replace(":", r"\:"))
    with create_engine("sqlite://").connect() as alchemy:
        assert tuple(alchemy.execute(text(escaped), {"a": 7}).one()) == (literal, 7)
