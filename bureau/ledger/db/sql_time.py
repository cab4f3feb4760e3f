"""Defines SQL expressions of the database's clock, the same three on both databases."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Float, TypeDecorator, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.functions import FunctionElement


class UtcDateTime(TypeDecorator[datetime]):
    """Stores aware datetimes and returns them in UTC; SQLite stores text `YYYY-MM-DD HH:MM:SS.ffffff`."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class now(FunctionElement[datetime]):  # noqa: N801 - reads as the SQL function it is
    """Gives the time of the statement. A transaction's wait for locks does not make it older."""

    type = UtcDateTime()
    inherit_cache = True


class _Later(FunctionElement[datetime]):
    type = UtcDateTime()
    inherit_cache = True


class _Age(FunctionElement[float]):
    type = Float()
    inherit_cache = True


def later(seconds: float | ColumnElement[Any]) -> ColumnElement[datetime]:
    """Returns now plus `seconds`, which may be negative or an expression."""
    return _Later(literal(round(seconds, 3), Float()) if isinstance(seconds, int | float) else seconds)


def age(moment: ColumnElement[Any]) -> ColumnElement[float]:
    """Returns the seconds from `moment` until now."""
    return _Age(moment)


@compiles(now, "postgresql")
def _now_postgresql(_element: Any, _compiler: Any, **_kw: Any) -> str:
    return "statement_timestamp()"


@compiles(now, "sqlite")
def _now_sqlite(_element: Any, _compiler: Any, **_kw: Any) -> str:
    return "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')"


@compiles(_Later, "postgresql")
def _later_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"(statement_timestamp() + make_interval(secs => CAST({compiler.process(element.clauses, **kw)} AS float8)))"


@compiles(_Later, "sqlite")
def _later_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    seconds = compiler.process(element.clauses, **kw)
    return f"(strftime('%Y-%m-%d %H:%M:%f', 'now', printf('%+.3f seconds', {seconds})) || '000')"


@compiles(_Age, "postgresql")
def _age_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"EXTRACT(epoch FROM statement_timestamp() - {compiler.process(element.clauses, **kw)})::float8"


@compiles(_Age, "sqlite")
def _age_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"((julianday('now') - julianday({compiler.process(element.clauses, **kw)})) * 86400.0)"
