"""Reads the `[format]` table of a report's header, which sets the default format of its files."""

from typing import Any

from pydantic import ValidationError

from bureau.contracts.reports import CsvFormat

_FIXES = {
    "literal_error": "use one of {expected}",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "extra_forbidden": "the key is not known; use one of {keys}",
}


class InvalidFormat(ValueError):
    """Says what is wrong with the table: pairs of a key and a sentence."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{key}: {detail}" for key, detail in errors))
        self.errors = errors


def read_format_table(table: Any) -> CsvFormat:
    """Returns the format that `table` (TOML) describes. Raises `InvalidFormat`."""
    if not isinstance(table, dict):
        raise InvalidFormat([("", 'write a table: [format] and below it delimiter = ";"')])
    try:
        return CsvFormat.model_validate(table, strict=True)
    except ValidationError as error:
        raise InvalidFormat([_error(one) for one in error.errors(include_url=False)]) from error


def _error(error: Any) -> tuple[str, str]:
    fix = _FIXES.get(error["type"], error["msg"])
    details = {"keys": ", ".join(CsvFormat.model_fields), **error.get("ctx", {})}
    return str(error["loc"][0]), fix.format_map(details)
