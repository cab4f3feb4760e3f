"""Named sources from the environment: `SOURCE_WAREHOUSE_URL` is what a report calls `source = "warehouse"`.

| URL | read by |
| --- | --- |
| `postgresql://user:password@host/database` (also `postgres://`) | psycopg, `COPY` |
| `sqlite:///relative/path.db`, `sqlite:////absolute/path.db` | sqlite3, read-only |
| any other that SQLAlchemy knows: `mysql+pymysql://…` | SQLAlchemy, streaming |

`SOURCE_WAREHOUSE_URL_FILE` names a file that holds the URL instead.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr
from sqlalchemy import exc, make_url

from bureau import secrecy
from bureau.secret_files import read_secret_files
from services.reports.postgres_source import PostgresSource
from services.reports.rows import Source
from services.reports.sqlalchemy_source import SqlAlchemySource
from services.reports.sqlite_source import SqliteSource

_VARIABLE = re.compile(r"SOURCE_([A-Z][A-Z0-9_]*?)_URL(_FILE)?", re.ASCII)
_POSTGRES = re.compile(r"postgres(ql)?(\+psycopg\w*)?://")


class SourceMistakes(Exception):
    """Some `SOURCE_…_URL` are wrong; `mistakes` says each by variable, rule and mend, and never a value."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes


def open_sources(environment: Mapping[str, str]) -> dict[str, Source]:
    """The sources that `environment` names, by name; nothing is connected to. Raises `SourceMistakes`."""
    sources: dict[str, Source] = {}
    names = sorted({match[1] for variable in environment if (match := _VARIABLE.fullmatch(variable))})
    from_files, mistakes = read_secret_files(environment, [f"SOURCE_{name}_URL" for name in names])
    for name in names:
        variable = f"SOURCE_{name}_URL"
        if url := environment.get(variable) or from_files.get(variable):
            secrecy.keep([url])
            try:
                sources[name.lower()] = _source(name.lower(), SecretStr(url))
            except ValueError as error:
                mistakes.append(f"{variable}: {error}")
    if mistakes:
        raise SourceMistakes(mistakes)
    return sources


def _source(name: str, url: SecretStr) -> Source:
    """Raises ValueError with the rule; what libraries say of a URL may quote its password, so none of it is shown."""
    if _POSTGRES.match(url.get_secret_value()):
        return PostgresSource(name, _postgres_url(url))
    try:
        parsed = make_url(url.get_secret_value())
        if parsed.get_backend_name() != "sqlite":
            return SqlAlchemySource(name, url)
    except ImportError as error:
        raise ValueError(f"its driver is not installed: add the Python package {error.name}") from None
    except (exc.ArgumentError, ValueError):
        raise ValueError(
            "use postgresql://user:password@host/database, sqlite:///path or another database URL"
        ) from None
    if not parsed.database or parsed.database == ":memory:":
        raise ValueError("use sqlite:///path of a file")
    return SqliteSource(name, Path(parsed.database))


def _postgres_url(url: SecretStr) -> SecretStr:
    plain = _POSTGRES.sub("postgresql://", url.get_secret_value(), count=1)
    try:
        conninfo_to_dict(plain)
    except psycopg.Error:
        raise ValueError("use postgresql://user:password@host:5432/database, special characters as %40") from None
    return SecretStr(plain)
