"""What a page's form sends: application/x-www-form-urlencoded."""

import hashlib
from urllib.parse import parse_qsl

from flask import Request
from pydantic import BaseModel

from bureau.contracts.base import clean_text
from bureau.services.gateway.http.parsing.multipart import UploadedFile
from bureau.services.gateway.http.reading import Fingerprint, read_limited
from bureau.services.gateway.problems import problem
from bureau.services.gateway.settings import GatewaySettings

MEDIA_TYPE = "application/x-www-form-urlencoded"
MAX_FIELDS = 1000


class PostedForm(BaseModel):
    """Names and texts in the order they were sent. Whatever is no form has no fields."""

    fields: list[tuple[str, str]] = []

    def get(self, name: str) -> str | None:
        """The last one of this name."""
        return next((text for given, text in reversed(self.fields) if given == name), None)

    def all(self, name: str) -> list[str]:
        return [text for given, text in self.fields if given == name]


class FormReader:
    """Reads the forms of pages."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._limit = settings.max_json_bytes

    def read(self, request: Request) -> tuple[PostedForm, list[UploadedFile], Fingerprint]:
        """The form, no files, and its fingerprint. Raises 400 and 413 problems."""
        raw = read_limited(request, "MAX_JSON_BYTES", self._limit)
        if request.mimetype != MEDIA_TYPE:
            return PostedForm(), [], str
        try:
            found = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError:
            raise problem("unreadable", f"A form is UTF-8 text with {MAX_FIELDS} fields at most.") from None
        fields = [(clean_text(name), clean_text(text)) for name, text in found]
        return PostedForm(fields=fields), [], lambda: hashlib.sha256(raw).hexdigest()
