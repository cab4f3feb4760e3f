"""A Flask request into a `Call`: body, form, query and headers, each mistake a problem."""

from collections.abc import Callable, Iterable
from typing import IO, Any, Generic, TypeVar, cast

from flask import Request
from pydantic import BaseModel
from werkzeug.http import parse_options_header

from bureau.contracts.base import clean_text
from bureau.contracts.problems import FieldError, ProblemError
from bureau.services.gateway.http.operation import Body, Nothing
from bureau.services.gateway.http.parsing import form_values, json_body
from bureau.services.gateway.http.parsing.multipart import Form, UploadedFile, read_form, values_of
from bureau.services.gateway.http.parsing.validation import Reader, as_parameters
from bureau.services.gateway.problems import invalid, problem, refuse
from bureau.services.gateway.settings import GatewaySettings

JSON = "application/json"
MULTIPART = "multipart/form-data"

B = TypeVar("B", bound=BaseModel)

Fingerprint = Callable[[], str]  # made only for a request with an Idempotency-Key


class BodyReader(Generic[B]):
    """Reads the bodies of one route."""

    def __init__(self, body: Body[B], settings: GatewaySettings) -> None:
        self._body = body
        self._reader = Reader(body.model)
        self._settings = settings
        self._types = [kind for kind, taken in ((JSON, body.json), (MULTIPART, body.files is not None)) if taken]

    def read(self, request: Request) -> tuple[B, list[UploadedFile], Fingerprint]:
        """The model, the files, and the fingerprint of both. Raises 400, 413, 415 and 422 problems."""
        kind, options = parse_options_header(request.headers.get("Content-Type"))
        if kind not in self._types:
            raise problem(
                "unsupported-media-type",
                f"The Content-Type is {kind[:100] or 'missing'}; send {' or '.join(self._types)}.",
                headers={"Accept": ", ".join(self._types)},
            )
        if kind == JSON:
            return self._read_json(request)
        return self._read_form(request, options.get("boundary", ""))

    def _read_json(self, request: Request) -> tuple[B, list[UploadedFile], Fingerprint]:
        value = json_body.read_json(read_limited(request, "MAX_JSON_BYTES", self._settings.max_json_bytes))
        return self._reader.read(value), [], lambda: json_body.fingerprint(value)

    def _read_form(self, request: Request, boundary: str) -> tuple[B, list[UploadedFile], Fingerprint]:
        rule = self._body.files
        if not boundary or rule is None:
            raise problem("unreadable", "The Content-Type names no boundary.")
        limit = self._settings.max_body_bytes
        check_length(request, "MAX_BODY_BYTES", limit)
        stream = cast("IO[bytes]", _Counted(request.stream, limit))
        form = read_form(stream, boundary, request.content_length, rule)
        return self._form_value(form), form.files, lambda: form.fingerprint

    def _form_value(self, form: Form) -> B:
        """What is wrong with files and what is wrong with fields is told together."""
        try:
            value = self._reader.read(values_of(form, self._reader.kinds))
        except ProblemError as refusal:
            if form.errors and refusal.problem.status == 422:
                raise invalid([*form.errors, *refusal.problem.errors]) from None
            raise
        refuse(form.errors)
        return value


class NoBodyReader:
    """For a POST that takes nothing: an empty body, or an empty JSON object."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._reader = Reader(Nothing)
        self._settings = settings

    def read(self, request: Request) -> tuple[Nothing, list[UploadedFile], Fingerprint]:
        raw = read_limited(request, "MAX_JSON_BYTES", self._settings.max_json_bytes)
        value = json_body.read_json(raw) if raw else {}
        return self._reader.read(value), [], lambda: json_body.fingerprint(value)


class QueryReader(Generic[B]):
    """Reads the query of one route; what is in `beside` is somebody else's."""

    def __init__(self, model: type[B], beside: frozenset[str] = frozenset()) -> None:
        self._reader = Reader(model)
        self._beside = beside
        self._nothing: B | None = None  # what an empty query says

    def read(self, request: Request) -> B:
        """Raises a 422 problem that names parameters."""
        if not request.query_string:
            if self._nothing is None:
                self._nothing = self._read([])
            return self._nothing
        return self._read(request.args.items(multi=True))

    def _read(self, items: Iterable[tuple[str, str]]) -> B:
        given = [(clean_text(name), clean_text(text)) for name, text in items if name not in self._beside]
        values, errors = form_values.gather(given, self._reader.kinds)
        try:
            if errors:
                raise invalid(errors)
            return self._reader.read(values)
        except ProblemError as refusal:
            raise invalid(as_parameters(refusal.problem.errors)) from None


def idempotency_key(request: Request) -> str | None:
    """The key, where one is given. Raises a 422 problem."""
    key = request.headers.get("Idempotency-Key")
    if key is None or (1 <= len(key) <= 255 and key.isprintable()):
        return key
    detail = "An Idempotency-Key has 1 to 255 printable characters."
    raise invalid([FieldError("wrong_form", detail, header="Idempotency-Key")])


def read_limited(request: Request, setting: str, limit: int) -> bytes:
    """The whole body. Raises a 413 problem, before reading where its length is given."""
    check_length(request, setting, limit)
    raw: bytes = request.stream.read(limit + 1)
    if len(raw) > limit:
        raise _too_large(setting, limit)
    return raw


def check_length(request: Request, setting: str, limit: int) -> None:
    length = request.content_length
    if length is not None and length > limit:
        raise _too_large(setting, limit, length)


def _too_large(setting: str, limit: int, length: int | None = None) -> ProblemError:
    size = f"{length} bytes" if length is not None else f"over {limit} bytes"
    return problem("too-large", f"The body is {size}; {setting} allows {limit}.")


class _Counted:
    """A body of unknown length, read up to a limit."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self._left = limit

    def read(self, size: int = -1) -> bytes:
        data: Any = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise _too_large("MAX_BODY_BYTES", self._limit)
        return bytes(data)
