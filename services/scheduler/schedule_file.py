"""SCHEDULES_FILE, read: schedules in YAML, and every mistake in it by file, line and place, with its mend.

owner: shop            # whose jobs they are; `local` is who asks without a key
schedules:
  daily-report:
    cron: "0 7 * * *"
    time_zone: Europe/Paris
    job: {tasks: [...]}        # as POST /v1/jobs takes it
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
from bureau.services.scheduler.yaml_places import Placed, YamlUnreadable, read_yaml
from bureau.submission.schedules import static_errors
from bureau.submission.specs import within
from bureau.submission.validation import NotValid, reader_of

LARGEST_BYTES = 1_000_000
LOCAL = "local"

Owner = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$")]


class WrittenSpec(ScheduleSpec):
    """A schedule of a file, which may be another owner's than the others."""

    owner: Owner | None = None


class Contents(Contract):
    """A whole file."""

    owner: Owner = LOCAL
    schedules: dict[str, WrittenSpec] | None = None


@dataclass(frozen=True)
class Written:
    """A schedule of the file."""

    owner: str
    name: str
    spec: ScheduleSpec


class ScheduleFileWrong(Exception):
    """`mistakes` has a sentence for each."""

    def __init__(self, errors: Iterable[str]) -> None:
        self.errors = list(errors)
        super().__init__("; ".join(self.errors))


class ScheduleFile:
    """A file that was read. `written` is without the mistakes that show without a catalog."""

    def __init__(self, path: Path, data: bytes) -> None:
        """Raises `ScheduleFileWrong`."""
        self._path = path
        self._data = data
        self._placed = self._read(data)
        try:
            contents = reader_of(Contents).read(self._placed.value if self._placed.value is not None else {})
        except NotValid as refused:
            raise ScheduleFileWrong(self._sentences(refused.errors)) from None
        found = contents.schedules or {}
        errors = [
            mistake for name, spec in found.items() for mistake in within(["schedules", name], _errors(name, spec))
        ]
        if errors:
            raise ScheduleFileWrong(self._sentences(errors))
        self.written = [Written(spec.owner or contents.owner, name, spec) for name, spec in found.items()]

    @classmethod
    def at(cls, path: Path) -> "ScheduleFile":
        """Raises `ScheduleFileWrong`."""
        return cls(path, _bytes_of(path))

    def again(self) -> "ScheduleFile":
        """The file as it is now; itself while it has not changed. Raises `ScheduleFileWrong`."""
        data = _bytes_of(self._path)
        return self if data == self._data else ScheduleFile(self._path, data)

    def told(self, of: Written, errors: Iterable[FieldError]) -> list[str]:
        """Mistakes of a schedule, as sentences with their place in the file."""
        return self._sentences(within(["schedules", of.name], errors))

    def _read(self, data: bytes) -> Placed:
        try:
            return read_yaml(data.decode())
        except UnicodeDecodeError:
            raise ScheduleFileWrong([f"{self._path} is not UTF-8 text"]) from None
        except YamlUnreadable as error:
            place = f", line {error.line}" if error.line else ""
            raise ScheduleFileWrong([f"{self._path}{place}: not YAML: {error}"]) from None

    def _sentences(self, errors: Iterable[FieldError]) -> list[str]:
        """From the top of the file down."""
        placed = [(self._placed.line_of(tokens), tokens, mistake.detail) for tokens, mistake in _located(errors)]
        return [
            f"{self._path}, line {line}{_place(tokens)}: {detail}"
            for line, tokens, detail in sorted(placed, key=lambda one: one[0])
        ]


def _errors(name: str, spec: ScheduleSpec) -> list[FieldError]:
    named = re.fullmatch(NAME_PATTERN, name)
    return [*([] if named else [FieldError("wrong_form", NAME_RULE, "#")]), *static_errors(spec)]


def _place(tokens: Sequence[str]) -> str:
    return f", {'/'.join(tokens)}" if tokens else ""


def _located(errors: Iterable[FieldError]) -> Iterator[tuple[list[str], FieldError]]:
    for mistake in errors:
        yield pointer.parse(unquote((mistake.pointer or "#")[1:])), mistake


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        reason = f"{path} cannot be read ({error.strerror}); name a file this process may read"
        raise ScheduleFileWrong([reason]) from None
    if len(data) > LARGEST_BYTES:
        raise ScheduleFileWrong([f"{path} has more than {LARGEST_BYTES} bytes"])
    return data
