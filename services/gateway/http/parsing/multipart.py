"""Reads multipart/form-data: fields into JSON values, files to disk. Errors name the setting of the limit."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any, BinaryIO, cast
from unicodedata import category

from werkzeug.exceptions import RequestEntityTooLarge

from bureau.contracts.artifacts import safe_name
from bureau.contracts.base import clean_text
from bureau.contracts.jobs import pointer
from bureau.contracts.media_types import MediaType
from bureau.contracts.problems import FieldError
from bureau.services.gateway.http.parsing import form_values, json_body
from bureau.services.gateway.http.parsing.multipart_parts import MAX_FIELD_BYTES, MAX_PARTS, FilePart, read_parts
from bureau.services.gateway.problems import invalid, problem

OPTIONS = "options"


@dataclass(frozen=True)
class Files:
    """Describes the files that a route takes, in parts named `field`."""

    field: str
    at_least: int
    at_most: int
    max_bytes: int
    at_most_by: str = "MAX_FILES"  # the setting of the limit, for error messages
    of_page: bool = False  # a browser sends an empty part without a name for a file input that holds no file


@dataclass(frozen=True)
class UploadedFile:
    """Is an uploaded file; `name` is sanitised, `file` is at its start and is closed with the request.

    `media_type` is valid, with its parameters, or empty.
    """

    name: str
    media_type: str
    size: int
    file: BinaryIO


@dataclass(frozen=True)
class MultipartForm:
    """Holds a request's parts, and the errors of its files.

    `fingerprint` does not change if only the boundary changes.
    """

    fields: list[tuple[str, str]]
    files: list[UploadedFile]
    errors: list[FieldError]
    fingerprint: str


def read_form(stream: IO[bytes], boundary: str, rule: Files, known: Collection[str] | None) -> MultipartForm:
    """Reads the parts of a body. Of fields that are not `known` it keeps only the name; None keeps all fields.

    Raises 400 and 413 problems.
    """

    def limit_of(number: int) -> int:
        return rule.max_bytes if number < rule.at_most else 0

    try:
        parts = read_parts(stream, boundary.encode("ascii"), None if known is None else {*known, OPTIONS}, limit_of)
    except ValueError as error:  # includes UnicodeError
        # For a truncated body, werkzeug's message names states of its parser.
        why = "it ends before its last part does" if "cannot parse beyond" in str(error) else str(error)
        raise problem("unreadable", f"The body is not multipart/form-data: {why}.") from None
    except RequestEntityTooLarge:
        detail = f"The form's fields have more than {MAX_FIELD_BYTES} bytes, or there are more than {MAX_PARTS} parts."
        raise problem("too-large", detail) from None
    texts = [(clean_text(name), clean_text(text)) for name, text in parts.fields]
    files = [part for part in parts.files if part.filename or part.file.received or not rule.of_page]
    received = [(part.name, part.filename, part.file.received) for part in files]
    if large := list(_too_large_files(received, rule)):
        raise problem("too-large", large[0].detail, large)
    return MultipartForm(
        [(name, text) for name, text in texts if name != rule.field],
        [_uploaded(part) for part in files],
        list(file_errors(received, [name for name, _ in texts], rule)),
        _fingerprint(texts, files),
    )


def values_of(form: MultipartForm, known: dict[str, form_values.FieldKind]) -> dict[str, Any]:
    """Returns the fields and `options` as one JSON object. Raises 400 and 422 problems."""
    options = [text for name, text in form.fields if name == OPTIONS]
    if len(options) > 1:
        raise invalid([FieldError("repeated", "Send only one part `options`.", f"#/{OPTIONS}")])
    nested = json_body.read_json(options[0].encode(), "The part `options`") if options else {}
    if not isinstance(nested, dict):
        raise invalid([FieldError("wrong_type", "The part `options` must be a JSON object.", f"#/{OPTIONS}")])
    values, errors = form_values.gather(((n, t) for n, t in form.fields if n != OPTIONS), known)
    errors += [
        FieldError(
            "given_twice", f"{name} is both a form field and in `options`; send it once.", pointer.fragment([name])
        )
        for name in nested
        if name in values
    ]
    if errors:
        raise invalid(errors)
    return {**nested, **values}


def _uploaded(part: FilePart) -> UploadedFile:
    return UploadedFile(
        safe_name(clean_text(part.filename)),
        str(MediaType.salvage(part.media_type) or ""),
        part.file.received,
        cast("BinaryIO", part.file),
    )


def _fingerprint(texts: Sequence[tuple[str, str]], parts: Sequence[FilePart]) -> str:
    """Returns a hash over each part's name, file name and SHA-256, in order."""
    listed: list[list[str | None]] = [[name, None, hashlib.sha256(text.encode()).hexdigest()] for name, text in texts]
    for part in parts:
        listed.append([part.name, part.filename, hashlib.file_digest(cast("Any", part.file), "sha256").hexdigest()])
        part.file.seek(0)
    return hashlib.sha256(json_body.canonical(listed).encode()).hexdigest()


def _too_large_files(files: Sequence[tuple[str, str, int]], rule: Files) -> Iterator[FieldError]:
    for index, (_, filename, size) in enumerate(files):
        if size > rule.max_bytes:
            detail = f"{safe_name(filename)} is {size} bytes; MAX_FILE_BYTES allows {rule.max_bytes}."
            yield FieldError("too_large", detail, pointer.fragment([rule.field, index]))


def file_errors(files: Sequence[tuple[str, str, int]], fields: Iterable[str], rule: Files) -> Iterator[FieldError]:
    """Returns the errors of file parts, given as (field, file name, bytes), and of fields that must be files."""
    here = pointer.fragment([rule.field])
    if rule.field in fields:
        yield FieldError("not_a_file", f"A part named {rule.field} must be a file with a file name.", here)
    elif sum(name == rule.field for name, _, _ in files) < rule.at_least:
        yield FieldError("missing", f"Send at least {rule.at_least} file in a part named {rule.field}.", here)
    if len(files) > rule.at_most:
        detail = f"{len(files)} files were sent; {rule.at_most_by} allows {rule.at_most}."
        yield FieldError("too_many", detail, here)
    for name in dict.fromkeys(name for name, _, _ in files if name != rule.field):
        detail = f"{name[:100] or 'A part without a name'} cannot be a file; send files in {rule.field}."
        yield FieldError("unknown_field", detail, pointer.fragment([name]))
    for index, (_, filename, size) in enumerate(files):
        if wrong := _wrong_name(filename) or ("The file is empty." if size == 0 else None):
            yield FieldError("wrong_file", wrong, pointer.fragment([rule.field, index]))


def _wrong_name(filename: str) -> str | None:
    if any(category(c) == "Cc" for c in filename):
        return "The file's name holds control characters."
    if not safe_name(filename, fallback=""):
        return "The file has no name." if not filename else f"{filename[:100]} is not a valid file name."
    return None
