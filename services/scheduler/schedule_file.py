"""Reads SCHEDULES_FILE, schedules in YAML, and reports all errors with file, line, path and how to fix them.

owner: shop            # the owner of the jobs; `local` is the owner of requests without a key
schedules:
  daily-report:
    cron: "0 7 * * *"
    time_zone: Europe/Paris
    report: {report: ...}      # in the format of POST /v1/reports; or job, email, certificates in theirs
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote

from pydantic import StringConstraints

from bureau.contracts.base import Contract
from bureau.contracts.jobs import pointer
from bureau.contracts.problems import FieldError
from bureau.contracts.schedules.schedules import NAME_PATTERN, NAME_RULE, ScheduleSpec
from bureau.services.scheduler.yaml_lines import YamlDocument, YamlUnreadable, read_yaml
from bureau.submission.schedules import saved_errors
from bureau.submission.specs import within
from bureau.submission.validation import NotValid, reader_of

LARGEST_BYTES = 1_000_000
LOCAL = "local"

Owner = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$")]


class WrittenSpec(ScheduleSpec):
    """Describes a schedule of a file, which may have its own owner."""

    owner: Owner | None = None


class Contents(Contract):
    """Describes a whole file."""

    owner: Owner = LOCAL
    schedules: dict[str, WrittenSpec] | None = None


@dataclass(frozen=True)
class FileEntry:
    """Holds a schedule of the file with its owner and name."""

    owner: str
    name: str
    spec: ScheduleSpec


class InvalidScheduleFile(Exception):
    """Says that a file is invalid; `errors` has a sentence for each error."""

    def __init__(self, errors: Iterable[str]) -> None:
        self.errors = list(errors)
        super().__init__("; ".join(self.errors))


class ScheduleFile:
    """Holds a file that was read. `entries` are valid as far as that shows without a catalog."""

    def __init__(self, path: Path, data: bytes) -> None:
        """Parses the content of a file. Raises `InvalidScheduleFile`."""
        self._path = path
        self._data = data
        self._document = self._read(data)
        try:
            contents = reader_of(Contents).read(self._document.value if self._document.value is not None else {})
        except NotValid as refused:
            raise InvalidScheduleFile(self._sentences(refused.errors)) from None
        schedules = contents.schedules or {}
        errors = [
            error for name, spec in schedules.items() for error in within(["schedules", name], _errors(name, spec))
        ]
        if errors:
            raise InvalidScheduleFile(self._sentences(errors))
        self.entries = [FileEntry(spec.owner or contents.owner, name, spec) for name, spec in schedules.items()]

    @classmethod
    def at(cls, path: Path) -> "ScheduleFile":
        """Reads the file at `path`. Raises `InvalidScheduleFile`."""
        return cls(path, _bytes_of(path))

    def reread(self) -> "ScheduleFile":
        """Returns the file as it is now, or this object if it has not changed. Raises `InvalidScheduleFile`."""
        data = _bytes_of(self._path)
        return self if data == self._data else ScheduleFile(self._path, data)

    def error_lines(self, entry: FileEntry, errors: Iterable[FieldError]) -> list[str]:
        """Returns the errors of a schedule as sentences with their line in the file."""
        return self._sentences(within(["schedules", entry.name], errors))

    def _read(self, data: bytes) -> YamlDocument:
        try:
            return read_yaml(data.decode())
        except UnicodeDecodeError:
            raise InvalidScheduleFile([f"{self._path} is not UTF-8 text"]) from None
        except YamlUnreadable as error:
            where = f", line {error.line}" if error.line else ""
            raise InvalidScheduleFile([f"{self._path}{where}: not YAML: {error}"]) from None

    def _sentences(self, errors: Iterable[FieldError]) -> list[str]:
        """Returns errors as sentences, in the order of their lines."""
        located = [(self._document.line_of(tokens), tokens, error.detail) for tokens, error in _located(errors)]
        return [
            f"{self._path}, line {line}{_path_text(tokens)}: {detail}"
            for line, tokens, detail in sorted(located, key=lambda one: one[0])
        ]


def _errors(name: str, spec: ScheduleSpec) -> list[FieldError]:
    named = re.fullmatch(NAME_PATTERN, name)
    return [*([] if named else [FieldError("wrong_form", NAME_RULE, "#")]), *saved_errors(spec)]


def _path_text(tokens: Sequence[str]) -> str:
    return f", {'/'.join(tokens)}" if tokens else ""


def _located(errors: Iterable[FieldError]) -> Iterator[tuple[list[str], FieldError]]:
    for error in errors:
        yield pointer.parse(unquote((error.pointer or "#")[1:])), error


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        reason = f"{path} cannot be read ({error.strerror}); name a file that this process may read"
        raise InvalidScheduleFile([reason]) from None
    if len(data) > LARGEST_BYTES:
        raise InvalidScheduleFile([f"{path} has more than {LARGEST_BYTES} bytes"])
    return data
