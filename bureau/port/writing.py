"""Writes what `bureau port --write` changes. A crash leaves a file as it was or as it is to be."""

import os
from pathlib import Path
from uuid import uuid4

from bureau.port.beat.schedules import schedule_file
from bureau.port.survey import Survey


def write_changes(found: Survey) -> list[Path]:
    """Writes the changed modules, and returns their paths. Raises `OSError`."""
    for path, text in found.changes.items():
        _replace(path, text)
    return list(found.changes)


def write_schedules(found: Survey, path: Path) -> list[Path]:
    """Writes beat's schedules into a file, unless it is there already: a person may have changed it."""
    if not found.has_schedules or path.exists():
        return []
    _replace(path, schedule_file(found.entries, found.queues, found.time_zone))
    return [path]


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        part.write_bytes(text.encode())
        if path.exists():
            part.chmod(path.stat().st_mode & 0o777)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
