"""Saves entries as Bureau's schedules: those that are there already are replaced, so it can be repeated."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bureau.celery.beat.entries import body_of, name_of
from bureau.celery.exceptions import CeleryError
from bureau.celery.sending import gateway
from bureau.client import Problem


@dataclass
class Saved:
    """Lists which schedules were saved, and which not and why."""

    names: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def save(entries: Iterable[tuple[str, dict[str, Any], bool]]) -> Saved:
    """Saves each entry, and goes on after one that cannot be. Raises `Unreachable`."""
    saved = Saved()
    client = gateway.client()
    for entry_name, entry, enabled in entries:
        name = name_of(entry_name)
        try:
            if name in saved.names:
                raise CeleryError(f"another entry is called {name} too; rename one")
            client.put_schedule(name, enabled=enabled, **body_of(entry))
        except (CeleryError, Problem, TypeError, ValueError) as error:
            saved.refused[entry_name] = str(error)
        else:
            saved.names.append(name)
    return saved
