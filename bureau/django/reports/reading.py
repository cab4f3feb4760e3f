"""Reads the rows of a queryset by its compiled SQL, on a connection of its own that may only read."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import connections

CHUNK_ROWS = 1000
# One statement reads one state of the database. The transaction is for functions of the project that write.
READ_ONLY = {
    "postgresql": ("set transaction isolation level repeatable read, read only",),
    "mysql": ("set session transaction isolation level repeatable read, read only",),
    "sqlite": ("pragma query_only = 1",),
}


@dataclass(frozen=True)
class Reading:
    """Holds a running query: the names of its columns, and what fetches the next rows as tuples."""

    columns: list[str]
    fetch: Callable[[int], Sequence[tuple[Any, ...]]]


@contextmanager
def reading(queryset: Any) -> Iterator[Reading]:
    """Runs the query of a queryset during the block, with the database settings of the project.

    Rows come as a stream, and values as Django converts them. The objects are never made.
    """
    chosen = _of_values(queryset)
    with _connected(chosen.db) as connection:
        compiler = chosen.query.get_compiler(connection=connection)
        rows = iter(compiler.results_iter(tuple_expected=True, chunked_fetch=True, chunk_size=CHUNK_ROWS))
        yield Reading(columns_of(chosen.query), lambda limit: list(islice(rows, limit)))


def columns_of(query: Any) -> list[str]:
    """Returns the names of the values, in the order of the statement."""
    if selected := getattr(query, "selected", None):  # from Django 5.2 on
        return list(selected)
    return [*query.extra_select, *query.values_select, *query.annotation_select]


def _of_values(queryset: Any) -> Any:
    """Returns the queryset with values for rows; one of objects has their columns."""
    if columns_of(queryset.query) and queryset._fields is not None:
        return queryset
    return queryset.values_list(*[field.attname for field in queryset.model._meta.concrete_fields])


@contextmanager
def _connected(alias: str) -> Iterator[Any]:
    """Opens a connection for the block. In a test's transaction it is the test's own, whose rows others do not see."""
    if connections[alias].in_atomic_block:
        yield connections[alias]
        return
    connection = connections.create_connection(alias)
    try:
        if connection.vendor != "sqlite":
            connection.set_autocommit(False)
        with connection.cursor() as cursor:
            for statement in READ_ONLY.get(connection.vendor, ()):
                cursor.execute(statement)
        yield connection
    finally:
        connection.close()
