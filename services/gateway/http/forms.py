"""Reads the forms of pages: application/x-www-form-urlencoded, or multipart/form-data where a page takes files."""

import hashlib
from urllib.parse import parse_qsl

from flask import Request
from pydantic import BaseModel

from bureau.contracts.base import clean_text
from bureau.contracts.problems import FieldError
from bureau.services.gateway.http.parsing.multipart import Files, UploadedFile, read_form
from bureau.services.gateway.http.reading import MULTIPART, Fingerprint, limited_stream, read_limited
from bureau.services.gateway.problems import problem
from bureau.services.gateway.settings import GatewaySettings

MEDIA_TYPE = "application/x-www-form-urlencoded"
MAX_FIELDS = 1000
FORM_BYTES = 1024 * 1024  # small, because a percent-encoded form takes many times its size while it is parsed
OPEN_FORM_BYTES = 8 * 1024  # for forms open to everyone, which hold only a key and an address


class PostedForm(BaseModel):
    """Holds names and texts in the order they were sent. A body that is not a form has no fields.

    `file_errors` are those of its files, which the page shows beside the field.
    """

    fields: list[tuple[str, str]] = []
    file_errors: list[FieldError] = []

    def get(self, name: str) -> str | None:
        """Returns the last value of this name."""
        return next((text for given, text in reversed(self.fields) if given == name), None)

    def all(self, name: str) -> list[str]:
        return [text for given, text in self.fields if given == name]


class FormReader:
    """Reads the forms of pages."""

    def __init__(self, settings: GatewaySettings, *, is_open: bool, files: Files | None = None) -> None:
        """Sets the limits. `is_open` means that the page needs no key; `files` are those that its form takes."""
        self._settings = settings
        self._limit = OPEN_FORM_BYTES if is_open else FORM_BYTES
        self._files = files

    def read(self, request: Request) -> tuple[PostedForm, list[UploadedFile], Fingerprint]:
        """Returns the form, its files, and the form's fingerprint. Raises 400 and 413 problems."""
        if self._files and request.mimetype == MULTIPART:
            boundary = request.mimetype_params.get("boundary", "")
            if not boundary:
                raise problem("unreadable", "The Content-Type names no boundary.")
            form = read_form(limited_stream(request, self._settings), boundary, self._files, known=None)
            return PostedForm(fields=form.fields, file_errors=form.errors), form.files, lambda: form.fingerprint
        raw = read_limited(request, "a form", self._limit)
        if request.mimetype != MEDIA_TYPE:
            return PostedForm(), [], str
        try:
            found = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError:
            raise problem("unreadable", f"A form must be UTF-8 text with at most {MAX_FIELDS} fields.") from None
        fields = [(clean_text(name), clean_text(text)) for name, text in found]
        return PostedForm(fields=fields), [], lambda: hashlib.sha256(raw).hexdigest()
