"""Converts a Flask request into a `Call`: reads body, form, query and headers, and reports each error in a problem."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any, Generic, TypeVar, cast

from flask import Request
from pydantic import BaseModel
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_options_header

from bureau.contracts.base import clean_text
from bureau.contracts.problems import FieldError, ProblemError
from bureau.services.gateway.http.operation import Body, Nothing
from bureau.services.gateway.http.parsing import form_values, json_body
from bureau.services.gateway.http.parsing.multipart import MultipartForm, UploadedFile, read_form, values_of
from bureau.services.gateway.http.parsing.validation import Reader, as_parameters
from bureau.services.gateway.problems import invalid, problem, refuse
from bureau.services.gateway.settings import GatewaySettings

JSON = "application/json"
MULTIPART = "multipart/form-data"

NOTHING_BYTES = 4096
_PIECE_BYTES = 64 * 1024
# Of a provider's batch, which is read before its signature is checked: SendGrid's are at most 768 kB.
RAW_BYTES = 2 * 1024 * 1024
MAX_PARAMETERS = 100  # of a query: no operation has a tenth of it, except for a repeatable one

B = TypeVar("B", bound=BaseModel)

Fingerprint = Callable[[], str]  # computed only for a request with an Idempotency-Key


class BodyReader(Generic[B]):
    """Reads the bodies of one route."""

    def __init__(self, body: Body[B], settings: GatewaySettings) -> None:
        self._body = body
        self._reader = Reader(body.model)
        self._settings = settings
        self._types = [kind for kind, taken in ((JSON, body.json), (MULTIPART, body.files is not None)) if taken]

    def read(self, request: Request) -> tuple[B, list[UploadedFile], Fingerprint]:
        """Returns the model, the files, and the fingerprint of both. Raises 400, 413, 415 and 422 problems."""
        kind, options = parse_options_header(request.headers.get("Content-Type"))
        kind = kind.lower()  # RFC 9110, section 8.3.1
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
        form = read_form(limited_stream(request, self._settings), boundary, rule, self._reader.kinds)
        return self._form_value(form), form.files, lambda: form.fingerprint

    def _form_value(self, form: MultipartForm) -> B:
        """Returns the value of a form. Errors of files and errors of fields are reported together."""
        try:
            value = self._reader.read(values_of(form, self._reader.kinds))
        except ProblemError as refusal:
            if form.errors and refusal.problem.status == 422:
                raise invalid([*form.errors, *refusal.problem.errors]) from None
            raise
        refuse(form.errors)
        return value


class NoBodyReader:
    """Reads the body of a POST that takes nothing: an empty body, or an empty JSON object."""

    def __init__(self) -> None:
        self._reader = Reader(Nothing)

    def read(self, request: Request) -> tuple[Nothing, list[UploadedFile], Fingerprint]:
        raw = read_limited(request, "an empty body", NOTHING_BYTES)
        value = json_body.read_json(raw) if raw else {}
        return self._reader.read(value), [], lambda: json_body.fingerprint(value)


class QueryReader(Generic[B]):
    """Reads the query of one route; ignores the parameters in `beside`, which others read."""

    def __init__(self, model: type[B], beside: frozenset[str] = frozenset()) -> None:
        self._reader = Reader(model)
        self._beside = beside
        self._nothing: B | None = None  # the value of an empty query

    def read(self, request: Request) -> B:
        """Returns the validated query. Raises a 422 problem that names parameters."""
        if not request.query_string:
            if self._nothing is None:
                self._nothing = self._read([])
            return self._nothing
        if len(request.query_string) > MAX_PARAMETERS and request.query_string.count(b"&") >= MAX_PARAMETERS:
            detail = f"The query has more than {MAX_PARAMETERS} parameters."
            raise invalid([FieldError("too_many", detail, parameter="query")])
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
    """Returns the key, if one is given. Raises a 422 problem."""
    key = request.headers.get("Idempotency-Key")
    if key is None or (1 <= len(key) <= 255 and key.isprintable()):
        return key
    detail = "An Idempotency-Key has 1 to 255 printable characters."
    raise invalid([FieldError("wrong_form", detail, header="Idempotency-Key")])


def read_limited(request: Request, setting: str, limit: int) -> bytearray:
    """Returns the whole body. Raises a 413 problem, before reading if the length is given.

    It is read piece by piece: one read of a stream takes the memory of a large body twice.
    """
    check_length(request, setting, limit)
    raw = bytearray()
    with body_errors():
        while piece := request.stream.read(min(_PIECE_BYTES, limit + 1 - len(raw))):
            raw += piece
    if len(raw) > limit:
        raise _too_large(setting, limit)
    return raw


def limited_stream(request: Request, settings: GatewaySettings) -> IO[bytes]:
    """Returns the stream of a body with files. It raises a 413 problem; before reading if the length is given."""
    check_length(request, "MAX_BODY_BYTES", settings.max_body_bytes)
    return cast("IO[bytes]", _Counted(request.stream, settings.max_body_bytes))


@contextmanager
def body_errors() -> Iterator[None]:
    """Raises a 400 problem if the server cannot read the body: chunks are malformed, or the client is silent.

    Each server raises errors of its own for this.
    """
    try:
        yield
    except (ProblemError, HTTPException):
        raise
    except Exception as error:
        raise problem("unreadable", f"The body cannot be read: {type(error).__name__}.") from error


def check_length(request: Request, setting: str, limit: int) -> None:
    length = request.content_length
    if length is not None and length > limit:
        raise _too_large(setting, limit, length)


def _too_large(setting: str, limit: int, length: int | None = None) -> ProblemError:
    size = f"{length} bytes" if length is not None else f"over {limit} bytes"
    return problem("too-large", f"The body is {size}; {setting} allows {limit}.")


class _Counted:
    """Reads a body of unknown length up to a limit."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self._left = limit

    def read(self, size: int = -1) -> bytes:
        with body_errors():
            data: Any = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise _too_large("MAX_BODY_BYTES", self._limit)
        return bytes(data)
