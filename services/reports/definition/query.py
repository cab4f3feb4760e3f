"""Parses a report's SQL: one statement with `:name` placeholders, in the same notation for every source.

A colon marks a parameter only where SQL itself has no use for it: not in string literals, quoted names, dollar quotes
or comments, not in `::casts`, and not after a word (`a[1:n]`). The driver binds the values; this module never puts a
value into the text.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Placeholder:
    """Describes `:name` at `line` of the SQL, counted from 1."""

    name: str
    line: int


class InvalidQuery(ValueError):
    """Says why the SQL cannot be a report; `line` counts from 1 within the SQL."""

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(detail)
        self.line = line
        self.detail = detail


@dataclass(frozen=True)
class Query:
    """Holds the statement in parts: SQL as written, and the placeholders between."""

    parts: tuple[str | Placeholder, ...]

    @property
    def placeholders(self) -> list[Placeholder]:
        return [part for part in self.parts if isinstance(part, Placeholder)]

    def render(self, placeholder: Callable[[str], str], escape: Callable[[str], str] = str) -> str:
        """Returns the statement in a driver's notation: `placeholder` writes a name, `escape` escapes the other SQL."""
        return "".join(placeholder(p.name) if isinstance(p, Placeholder) else escape(p) for p in self.parts)


# Tokens of SQL in which a placeholder is plain text. The order matters: longer prefixes come first.
_TOKEN = re.compile(
    r"""
      (?P<comment>--[^\n]*)
    | (?P<block>/\*)
    | (?<!\w)[eE]'(?P<escaped>(?:[^'\\]|\\.|'')*)(?P<escaped_end>'?)
    | '(?P<string>[^']*)(?P<string_end>'?)
    | "(?P<quoted>[^"]*)(?P<quoted_end>"?)
    | `(?P<ticked>[^`]*)(?P<ticked_end>`?)
    | (?<!\w)\$(?P<tag>[A-Za-z_]\w*|)\$(?P<dollar>.*?)(?P<dollar_end>\$(?P=tag)\$|\Z)
    | (?P<cast>::)
    | (?<![\w:]):(?P<name>[A-Za-z_]\w*)
    | (?P<end>;)
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_QUOTES = {
    "escaped": "string literal",
    "string": "string literal",
    "quoted": "quoted name",
    "ticked": "quoted name",
    "dollar": "dollar-quoted text",
}


def parse_query(sql: str) -> Query:
    """Parses the one statement of `sql`, without a closing semicolon. Raises `InvalidQuery`."""
    parts: list[str | Placeholder] = []
    start = position = 0
    empty = True
    while token := _TOKEN.search(sql, position):
        is_sql = not (token["comment"] or token["block"] or token["end"])
        empty = empty and not is_sql and not sql[position : token.start()].strip()
        position = _end(sql, token)
        if token["name"]:
            parts += [sql[start : token.start()], Placeholder(token["name"], _line(sql, token.start()))]
            start = position
        if token["end"]:
            _only_comments(sql, position)
            sql = sql[: token.start()]
            break
    if empty and not sql[position:].strip():
        raise InvalidQuery(1, "there is no SQL below the header; write one select statement")
    return Query((*parts, sql[start:]))


def _end(sql: str, token: re.Match[str]) -> int:
    """Returns the position where `token` ends. Raises `InvalidQuery` if it is never closed."""
    if token["block"]:
        return _block_end(sql, token.start())
    for group, what in _QUOTES.items():
        if token[group] is not None and not token[f"{group}_end"]:
            raise InvalidQuery(_line(sql, token.start()), f"a {what} begins here and is never closed; close it")
    return token.end()


def _block_end(sql: str, start: int) -> int:
    """Returns the end of the comment at `start`. Comments nest, as in PostgreSQL."""
    depth = 0
    for mark in re.compile(r"/\*|\*/").finditer(sql, start):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    raise InvalidQuery(_line(sql, start), "a comment begins here and is never closed; close it with */")


def _only_comments(sql: str, position: int) -> None:
    """Raises `InvalidQuery` if anything but comments follows the statement's semicolon."""
    while rest := sql[position:].lstrip():
        position = len(sql) - len(rest)
        token = _TOKEN.match(sql, position)
        if token is None or not (token["comment"] or token["block"]):
            raise InvalidQuery(_line(sql, position), "a second statement begins here; a report is one statement")
        position = _end(sql, token)


def _line(sql: str, position: int) -> int:
    return sql.count("\n", 0, position) + 1
