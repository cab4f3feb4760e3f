"""Finds references to stored files in a request: `{"artifact": "<id>"}`, with or without a `name`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Used:
    """Holds an artifact's id and the path at which the request named it."""

    artifact: UUID
    path: Path


def reference(value: Any) -> UUID | None:
    """Returns the id of the artifact that a JSON value refers to; None for any other value."""
    match value:
        case {"artifact": str() as text, **rest} if rest.keys() <= {"name"}:
            return _uuid(text)
    return None


def used_in(value: Any, path: Path = ()) -> list[Used]:
    """Returns every reference to a stored file in a JSON value, at any depth."""
    return list(_used(value, path))


def _used(value: Any, path: Path) -> Iterator[Used]:
    match value:
        case {"artifact": str(), **rest} if rest.keys() <= {"name"}:
            if artifact := reference(value):
                yield Used(artifact, path)
        case dict():
            for name, item in value.items():
                yield from _used(item, (*path, name))
        case list():
            for index, item in enumerate(value):
                yield from _used(item, (*path, index))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
