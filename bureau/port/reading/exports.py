"""Reads what a module imports, because others may import it from there: the cheap part of reading a module."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from bureau.port.reading.source_files import SourceFile


@dataclass
class Exports:
    """Holds the names that a module imports, each with its whole name, and the modules of `from … import *`."""

    imported: dict[str, str] = field(default_factory=dict)
    starred: list[str] = field(default_factory=list)


def exports_of(file: SourceFile) -> Exports:
    """Returns what a file imports; nothing if it cannot be read."""
    try:
        return exports_in(file.text(), file.package)
    except (OSError, UnicodeDecodeError):
        return Exports()


def exports_in(text: str, package: str) -> Exports:
    """Returns what a text imports, outside of functions and classes."""
    found = Exports()
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return found
    for node in _statements(tree.body):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                found.imported[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom):
            module = absolute("." * node.level + (node.module or ""), package).rstrip(".")
            for alias in node.names:
                if alias.name == "*":
                    found.starred.append(module)
                else:
                    found.imported[alias.asname or alias.name] = f"{module}.{alias.name}"
    return found


def absolute(name: str, package: str) -> str:
    """Returns a name with the package in place of leading dots."""
    dots = len(name) - len(name.lstrip("."))
    if not dots:
        return name
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - dots + 1], name[dots:]])


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yields the statements of a module, also those in `if` and `try`."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.If | ast.Try | ast.With):
            yield from _statements(statement.body)
            yield from _statements(getattr(statement, "orelse", []))
            for handler in getattr(statement, "handlers", []):
                yield from _statements(handler.body)
