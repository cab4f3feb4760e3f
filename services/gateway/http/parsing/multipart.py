"""multipart/form-data: fields into JSON values, files to disk, limits named by their setting."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Any, BinaryIO, cast
from unicodedata import category

from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import MultiPartParser

from bureau.contracts.artifacts import is_media_type, safe_name
from bureau.contracts.base import clean_text
from bureau.contracts.jobs import pointer
from bureau.contracts.problems import FieldError
from bureau.services.gateway.http.parsing import form_values, json_body
from bureau.services.gateway.problems import invalid, problem

OPTIONS = "options"
MAX_FIELDS = 1000
MAX_FIELD_BYTES = 4 * 1024 * 1024  # holds a mail's text of 1 MiB, however it is escaped
IN_MEMORY_BYTES = 512 * 1024  # a file above it goes to disk


@dataclass(frozen=True)
class Files:
    """The files a route takes, in parts named `field`."""

    field: str
    at_least: int
    at_most: int
    max_bytes: int
    at_most_by: str = "MAX_FILES"  # what sets the limit, for people


@dataclass(frozen=True)
class UploadedFile:
    """A file of a request; `name` is safe, `file` is at its start and closed with the request."""

    name: str
    media_type: str
    size: int
    file: BinaryIO


@dataclass(frozen=True)
class Form:
    """A request's parts, and what is wrong with the files. `fingerprint` stays when only the boundary changes."""

    fields: list[tuple[str, str]]
    files: list[UploadedFile]
    errors: list[FieldError]
    fingerprint: str


def read_form(stream: IO[bytes], boundary: str, length: int | None, rule: Files) -> Form:
    """The parts of a body. Raises 400 and 413 problems."""
    parser = MultiPartParser(
        stream_factory=_Spools(rule),
        max_form_memory_size=MAX_FIELD_BYTES,
        max_form_parts=MAX_FIELDS,
    )
    try:
        fields, files = parser.parse(stream, boundary.encode("ascii"), length)
    except ValueError as error:  # UnicodeError too
        # What werkzeug says of an early end are the names of its parser's states.
        why = "it ends before its last part does" if "cannot parse beyond" in str(error) else str(error)
        raise problem("unreadable", f"The body is not multipart/form-data: {why}.") from None
    except RequestEntityTooLarge:
        detail = f"A form field is over {MAX_FIELD_BYTES} bytes, or there are more than {MAX_FIELDS} parts."
        raise problem("too-large", detail) from None
    texts = [(clean_text(name or ""), clean_text(text)) for name, text in fields.items(multi=True)]
    parts = [(name or "", part) for name, part in files.items(multi=True)]
    received = [(name, part.filename or "", _received(part)) for name, part in parts]
    if large := list(_too_large_files(received, rule)):
        raise problem("too-large", large[0].detail, large)
    return Form(
        [(name, text) for name, text in texts if name != rule.field],
        [_uploaded(part) for _, part in parts],
        list(file_errors(received, [name for name, _ in texts], rule)),
        _fingerprint(texts, parts),
    )


def values_of(form: Form, known: dict[str, form_values.Kind]) -> dict[str, Any]:
    """The fields and `options` as one JSON object. Raises 400 and 422 problems."""
    options = [text for name, text in form.fields if name == OPTIONS]
    if len(options) > 1:
        raise invalid([FieldError("repeated", "Send one part `options`.", f"#/{OPTIONS}")])
    nested = json_body.read_json(options[0].encode(), "The part `options`") if options else {}
    if not isinstance(nested, dict):
        raise invalid([FieldError("wrong_type", "The part `options` holds a JSON object.", f"#/{OPTIONS}")])
    values, errors = form_values.gather(((n, t) for n, t in form.fields if n != OPTIONS), known)
    errors += [
        FieldError("given_twice", f"{name} is a form field and in `options`; give it once.", pointer.fragment([name]))
        for name in nested
        if name in values
    ]
    if errors:
        raise invalid(errors)
    return {**nested, **values}


class _Spools:
    """Makes a place for each file part. Past the limits bytes are counted and forgotten, so that the whole
    request is read and its answer says how much there was."""

    def __init__(self, rule: Files) -> None:
        self._rule = rule
        self._made = 0

    def __call__(self, *_: Any, **__: Any) -> IO[bytes]:
        self._made += 1
        limit = self._rule.max_bytes if self._made <= self._rule.at_most else 0
        return cast("IO[bytes]", _Spool(limit))


class _Spool(SpooledTemporaryFile[bytes]):
    """Keeps up to `limit` bytes; `received` counts all."""

    def __init__(self, limit: int) -> None:
        super().__init__(max_size=IN_MEMORY_BYTES, mode="w+b")
        self._limit = limit
        self.received = 0

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        self.received += len(data)
        return super().write(data) if self.received <= self._limit else len(data)


def _received(part: FileStorage) -> int:
    return cast("_Spool", part.stream).received


def _uploaded(part: FileStorage) -> UploadedFile:
    return UploadedFile(
        safe_name(clean_text(part.filename or "")),
        part.mimetype if is_media_type(part.mimetype) else "",
        _received(part),
        cast("BinaryIO", part.stream),
    )


def _fingerprint(texts: Sequence[tuple[str, str]], parts: Sequence[tuple[str, FileStorage]]) -> str:
    """Of each part's name, file name and SHA-256, in order."""
    listed: list[list[str | None]] = [[name, None, hashlib.sha256(text.encode()).hexdigest()] for name, text in texts]
    for name, part in parts:
        listed.append([name, part.filename, hashlib.file_digest(cast("Any", part.stream), "sha256").hexdigest()])
        part.stream.seek(0)
    return hashlib.sha256(json_body.canonical(listed).encode()).hexdigest()


def _too_large_files(files: Sequence[tuple[str, str, int]], rule: Files) -> Iterator[FieldError]:
    for index, (_, filename, size) in enumerate(files):
        if size > rule.max_bytes:
            detail = f"{safe_name(filename)} is {size} bytes; MAX_FILE_BYTES allows {rule.max_bytes}."
            yield FieldError("too_large", detail, pointer.fragment([rule.field, index]))


def file_errors(files: Sequence[tuple[str, str, int]], fields: Iterable[str], rule: Files) -> Iterator[FieldError]:
    """What is wrong with file parts of (field, file name, bytes), and with fields that should have been files."""
    here = pointer.fragment([rule.field])
    if rule.field in fields:
        yield FieldError("not_a_file", f"A part called {rule.field} is a file and needs a file name.", here)
    elif sum(name == rule.field for name, _, _ in files) < rule.at_least:
        yield FieldError("missing", f"Send at least {rule.at_least} file in a part called {rule.field}.", here)
    if len(files) > rule.at_most:
        detail = f"{len(files)} files were sent; {rule.at_most_by} allows {rule.at_most}."
        yield FieldError("too_many", detail, here)
    for name in Counter(name for name, _, _ in files if name != rule.field):
        detail = f"{name[:100] or 'A part without a name'} is not a file here; files go into {rule.field}."
        yield FieldError("unknown_field", detail, pointer.fragment([name]))
    for index, (_, filename, size) in enumerate(files):
        if wrong := _wrong_name(filename) or ("The file is empty." if size == 0 else None):
            yield FieldError("wrong_file", wrong, pointer.fragment([rule.field, index]))


def _wrong_name(filename: str) -> str | None:
    if any(category(c) == "Cc" for c in filename):
        return "The file's name holds control characters."
    if not safe_name(filename, fallback=""):
        return "The file has no name." if not filename else f"{filename[:100]} is no name for a file."
    return None
