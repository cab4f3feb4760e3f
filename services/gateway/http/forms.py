"""Reads the forms of pages: application/x-www-form-urlencoded."""

import hashlib
from urllib.parse import parse_qsl

from flask import Request
from pydantic import BaseModel

from bureau.contracts.base import clean_text
from bureau.services.gateway.http.parsing.multipart import UploadedFile
from bureau.services.gateway.http.reading import Fingerprint, read_limited
from bureau.services.gateway.problems import problem

MEDIA_TYPE = "application/x-www-form-urlencoded"
MAX_FIELDS = 1000
FORM_BYTES = 1024 * 1024  # small, because a percent-encoded form takes many times its size while it is parsed
OPEN_FORM_BYTES = 8 * 1024  # for forms open to everyone, which hold only a key and an address


class PostedForm(BaseModel):
    """Holds names and texts in the order they were sent. A body that is not a form has no fields."""

    fields: list[tuple[str, str]] = []

    def get(self, name: str) -> str | None:
        """Returns the last value of this name."""
        return next((text for given, text in reversed(self.fields) if given == name), None)

    def all(self, name: str) -> list[str]:
        return [text for given, text in self.fields if given == name]


class FormReader:
    """Reads the forms of pages."""

    def __init__(self, is_open: bool) -> None:
        """Sets the size limit. `is_open` means that the page needs no key."""
        self._limit = OPEN_FORM_BYTES if is_open else FORM_BYTES

    def read(self, request: Request) -> tuple[PostedForm, list[UploadedFile], Fingerprint]:
        """Returns the form, no files, and the form's fingerprint. Raises 400 and 413 problems."""
        raw = read_limited(request, "a form", self._limit)
        if request.mimetype != MEDIA_TYPE:
            return PostedForm(), [], str
        try:
            found = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError:
            raise problem("unreadable", f"A form must be UTF-8 text with at most {MAX_FIELDS} fields.") from None
        fields = [(clean_text(name), clean_text(text)) for name, text in found]
        return PostedForm(fields=fields), [], lambda: hashlib.sha256(raw).hexdigest()
