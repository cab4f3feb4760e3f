"""Opens the named sources of the environment: `SOURCE_WAREHOUSE_URL` sets the source "warehouse" of reports.

| URL | read by |
| --- | --- |
| `postgresql://user:password@host/database` (also `postgres://`) | psycopg, `COPY` |
| `sqlite:///relative/path.db`, `sqlite:////absolute/path.db` | sqlite3, read-only |
| `mariadb://user:password@host/database` (also `mysql://`) | PyMySQL, streaming |
| any other that SQLAlchemy supports: `oracle+oracledb://…` | SQLAlchemy, streaming |

`SOURCE_WAREHOUSE_URL_FILE` names a file that holds the URL instead. `SOURCE_WAREHOUSE_AT_A_TIME` and
`SOURCE_WAREHOUSE_TIMEOUT_SECONDS` set its limits (`limits.py`).
"""

import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import exc, make_url

from bureau.secrets import redaction
from bureau.secrets.secret_files import read_secret_files
from bureau.services.reports.output.limits import SourceLimits
from bureau.services.reports.output.rows import RowSource
from bureau.services.reports.sources.mariadb_source import MariaDbSource
from bureau.services.reports.sources.sqlalchemy_source import SqlAlchemySource
from bureau.services.reports.sources.sqlite_source import SqliteSource

_VARIABLE = re.compile(r"SOURCE_([A-Z][A-Z0-9_]*?)_URL(_FILE)?", re.ASCII)
_POSTGRES = re.compile(r"postgres(ql)?(\+psycopg\w*)?://")


class InvalidSources(Exception):
    """Says that sources are invalid; each of `errors` has the variable, the rule and how to fix it, but no value."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


def open_sources(environment: Mapping[str, str]) -> dict[str, RowSource]:
    """Returns the sources in `environment` by name, without connecting. Raises `InvalidSources`."""
    sources: dict[str, RowSource] = {}
    names = sorted({match[1] for variable in environment if (match := _VARIABLE.fullmatch(variable))})
    from_files, errors = read_secret_files(environment, [f"SOURCE_{name}_URL" for name in names])
    for name in names:
        variable = f"SOURCE_{name}_URL"
        if url := environment.get(variable) or from_files.get(variable):
            redaction.keep([url])
            try:
                sources[name.lower()] = _source(name.lower(), SecretStr(url), _limits(name, environment))
            except InvalidLimit as error:
                errors.append(str(error))
            except ValueError as error:
                errors.append(f"{variable}: {error}")
    if errors:
        raise InvalidSources(errors)
    return sources


class InvalidLimit(Exception):
    """Says that a limit is not a number within its bounds, with the variable and the allowed values."""


def _limits(name: str, environment: Mapping[str, str]) -> SourceLimits:
    """Reads the limits of a source. Raises `InvalidLimit`."""
    standard = SourceLimits()
    return SourceLimits(
        int(_number(f"SOURCE_{name}_AT_A_TIME", environment, standard.at_a_time, 1, 100)),
        _number(f"SOURCE_{name}_TIMEOUT_SECONDS", environment, standard.timeout_seconds, 0.001, 86_400),
    )


def _number(variable: str, environment: Mapping[str, str], standard: float, minimum: float, maximum: float) -> float:
    try:
        number = type(standard)(environment.get(variable) or standard)
    except ValueError:
        number = 0
    if not minimum <= number <= maximum:
        raise InvalidLimit(f"{variable}: write a number from {minimum} to {maximum}, such as {standard}")
    return number


def _source(name: str, url: SecretStr, limits: SourceLimits) -> RowSource:
    """Returns the source of a URL. Raises ValueError with the rule.

    It never shows a library's message about a URL, because that may quote the password.
    """
    if _POSTGRES.match(url.get_secret_value()):
        # Here, because psycopg takes 9 MB, and a process without such a source whose ledger is in SQLite needs none.
        from bureau.services.reports.sources.postgres_source import PostgresSource

        return PostgresSource(name, _postgres_url(url), limits)
    try:
        parsed = make_url(url.get_secret_value())
        if parsed.get_backend_name() in ("mariadb", "mysql") and parsed.get_driver_name() in ("", "pymysql", "mysqldb"):
            return MariaDbSource(name, parsed, limits)
        if parsed.get_backend_name() != "sqlite":
            return SqlAlchemySource(name, url, limits)
    except ImportError as error:
        raise ValueError(f"its driver is not installed: add the Python package {error.name}") from None
    except (exc.ArgumentError, ValueError):
        raise ValueError(
            "use postgresql://user:password@host/database, sqlite:///path or another database URL"
        ) from None
    if not parsed.database or parsed.database == ":memory:":
        raise ValueError("use sqlite:///path of a file")
    return SqliteSource(name, Path(parsed.database), limits)


def _postgres_url(url: SecretStr) -> SecretStr:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    plain = _POSTGRES.sub("postgresql://", url.get_secret_value(), count=1)
    try:
        conninfo_to_dict(plain)
    except psycopg.Error:
        raise ValueError("use postgresql://user:password@host:5432/database, special characters as %40") from None
    return SecretStr(plain)
