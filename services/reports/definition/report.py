"""Reads a report from a `.sql` file: its name, source, parameters and statement."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bureau.contracts.catalog import ReportDescription
from bureau.contracts.reports import CsvFormat
from bureau.contracts.schemas import Schema, SchemaError
from bureau.services.reports.definition.columns import InvalidColumns, ReportColumn, read_column
from bureau.services.reports.definition.format_header import InvalidFormat, read_format_table
from bureau.services.reports.definition.header import InvalidHeader, ReportHeader, split
from bureau.services.reports.definition.parameter_header import InvalidParameters, read_parameter
from bureau.services.reports.definition.parameters import Parameter, params_schema
from bureau.services.reports.definition.query import InvalidQuery, Query, parse_query

KEYS = (
    *("name", "title", "description", "source", "time_zone", "neutralise_formulas"),
    *("format", "columns", "parameters"),
)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}", re.ASCII)
_SOURCE = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)


@dataclass(frozen=True)
class ReportError:
    """Says what is wrong in a report file and how to fix it. `line` counts from 1."""

    file: Path
    line: int
    detail: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.detail}"


class InvalidReport(Exception):
    """Says that a file is not a valid report; `errors` lists all its errors."""

    def __init__(self, errors: list[ReportError]) -> None:
        super().__init__("\n".join(map(str, errors)))
        self.errors = errors


@dataclass(frozen=True)
class Report:
    """Describes a report of the catalog. The placeholders of `query` are exactly its `parameters`.

    `zone` is None if the header names none. Then relative days are those of REPORTS_TIME_ZONE, and times are shown as
    the source has them.
    """

    name: str
    title: str
    description: str
    source: str
    parameters: tuple[Parameter, ...]
    query: Query
    file: Path
    format: CsvFormat = field(default_factory=CsvFormat)
    columns: Mapping[str, ReportColumn] = field(default_factory=dict)
    zone: ZoneInfo | None = None
    neutralise: bool = True

    def describe(self) -> ReportDescription:
        return ReportDescription(
            name=self.name,
            title=self.title,
            description=self.description,
            source=self.source,
            params_schema=params_schema(self.parameters),
        )


def read_report(file: Path) -> Report:
    """Reads the report in `file` (UTF-8). Raises `InvalidReport`."""
    try:
        header = split(file.read_text("utf-8-sig"))
    except OSError as error:
        raise InvalidReport([ReportError(file, 1, f"cannot be read: {error.strerror}; fix its permissions")]) from error
    except UnicodeDecodeError as error:
        raise InvalidReport([ReportError(file, 1, "is not UTF-8; save it as UTF-8")]) from error
    except InvalidHeader as error:
        raise InvalidReport([ReportError(file, error.line, error.detail)]) from error
    return _ReportReader(file, header).report()


class _ReportReader:
    """Reads one file and collects its errors, so that all of them are reported at once."""

    def __init__(self, file: Path, header: ReportHeader) -> None:
        self._file = file
        self._header = header
        self._errors: list[ReportError] = []

    def report(self) -> Report:
        table = self._header.table
        for key in table.keys() - set(KEYS):
            self._add_error(self._header.line_of(key), f"{key}: the key is not known; use one of {', '.join(KEYS)}")
        name = self._text("name", default=self._file.stem, file_format=_NAME)
        source = self._text("source", file_format=_SOURCE)
        title, description = self._text("title"), self._text("description", default="")
        parameters = tuple(self._parameters(table.get("parameters", {})))
        query = self._query(parameters)
        self._check_schema(parameters)
        file_format, zone = self._format(table.get("format", {})), self._zone(table.get("time_zone"))
        columns = {column.name: column for column in self._columns(table.get("columns", {}))}
        neutralise = self._neutralise(table.get("neutralise_formulas", True))
        if self._errors or query is None:
            raise InvalidReport(sorted(self._errors, key=lambda error: error.line))
        return Report(
            *(name, title, description, source, parameters, query, self._file), file_format, columns, zone, neutralise
        )

    def _format(self, table: Any) -> CsvFormat:
        try:
            return read_format_table(table)
        except InvalidFormat as error:
            self._add_errors(error.errors, "format")
            return CsvFormat()

    def _columns(self, tables: Any) -> Iterator[ReportColumn]:
        if not isinstance(tables, dict):
            self._add_error(self._header.line_of("columns"), "columns: write tables: -- [columns.revenue]")
            return
        for name, table in tables.items():
            try:
                yield read_column(name, table)
            except InvalidColumns as error:
                self._add_errors(error.errors, "columns", name)

    def _zone(self, name: Any) -> ZoneInfo | None:
        try:
            return None if name is None else ZoneInfo(str(name))
        except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name is a folder of zones
            line = self._header.line_of("time_zone")
            self._add_error(line, f"time_zone: {name!r} is not a time zone; write a name such as Europe/Paris or UTC")
            return None

    def _neutralise(self, value: Any) -> bool:
        if not isinstance(value, bool):
            line = self._header.line_of("neutralise_formulas")
            self._add_error(line, "neutralise_formulas: write true or false")
        return value is not False

    def _check_schema(self, parameters: tuple[Parameter, ...]) -> None:
        """Checks the parameters' schema.

        One schema that is not admitted, for instance with ten thousand choices, would prevent the service from
        announcing any.
        """
        try:
            Schema(params_schema(parameters))
        except SchemaError as refusal:
            self._add_error(self._header.line_of("parameters"), f"the parameters cannot be announced: {refusal}")

    def _add_error(self, line: int, detail: str) -> None:
        self._errors.append(ReportError(self._file, line, detail))

    def _add_errors(self, errors: list[tuple[str, str]], *table: str) -> None:
        """Adds the errors of a table: pairs of a key, which is empty for the table itself, and a sentence."""
        for key, detail in errors:
            path = (*table, key) if key else table
            self._add_error(self._header.line_of(*path), f"{'.'.join(path)}: {detail}")

    def _text(self, key: str, *, default: str | None = None, file_format: re.Pattern[str] | None = None) -> str:
        value = self._header.table.get(key, default)
        line = self._header.line_of(key)
        if value is None:
            self._add_error(line, f'{key} is missing; add a line such as -- {key} = "…"')
        elif not isinstance(value, str):
            self._add_error(line, f'{key}: write text in quotes: -- {key} = "…"')
        elif file_format and not file_format.fullmatch(value):
            self._add_error(
                line, f"{key}: {value!r} is not allowed; use lower-case letters, digits and {_joiners(file_format)}"
            )
        return str(value)

    def _parameters(self, tables: Any) -> Iterator[Parameter]:
        if not isinstance(tables, dict):
            self._add_error(self._header.line_of("parameters"), "parameters: write tables: -- [parameters.since]")
            return
        for name, table in tables.items():
            try:
                yield read_parameter(name, table)
            except InvalidParameters as error:
                self._add_errors(error.errors, "parameters", name)

    def _query(self, parameters: tuple[Parameter, ...]) -> Query | None:
        try:
            query = parse_query(self._header.sql)
        except InvalidQuery as error:
            self._add_error(self._header.lines + error.line, error.detail)
            return None
        tables = self._header.table.get("parameters")
        for placeholder in query.placeholders:
            if not isinstance(tables, dict) or placeholder.name not in tables:
                line = self._header.lines + placeholder.line
                self._add_error(
                    line, f":{placeholder.name} is not declared; add -- [parameters.{placeholder.name}] to the header"
                )
        used = {placeholder.name for placeholder in query.placeholders}
        for parameter in parameters:
            if parameter.name not in used:
                line = self._header.line_of("parameters", parameter.name)
                self._add_error(line, f"parameters.{parameter.name} is not used; write :{parameter.name} or remove it")
        return query


def _joiners(file_format: re.Pattern[str]) -> str:
    return "- and _, starting with a letter or digit" if file_format is _NAME else "_, starting with a letter"
