"""Turns operations into Flask routes: reads the request, reserves its key, calls its view, writes its answer."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import structlog
from flask import Flask, Response, g, request
from werkzeug.datastructures import Headers

from bureau.contracts.problems import ProblemError
from bureau.ledger.access.idempotency import Once, Scope
from bureau.ledger.access.rate_limits import RateLimitResult
from bureau.ledger.db.database import LedgerUnavailable
from bureau.services.gateway.auth.admission import Admission, LateAdmission
from bureau.services.gateway.auth.authenticator import AuthRequest, require
from bureau.services.gateway.auth.identity import Identity
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http import idempotency, prefer
from bureau.services.gateway.http.answers import response_of
from bureau.services.gateway.http.forms import FormReader
from bureau.services.gateway.http.operation import Call, Nothing, Operation, Reply
from bureau.services.gateway.http.reading import (
    JSON,
    RAW_BYTES,
    BodyReader,
    NoBodyReader,
    QueryReader,
    idempotency_key,
    read_limited,
)
from bureau.signing.signed_links import PARAMETER

AnyOperation = Operation[Any, Any]
Reading = Callable[[dict[str, Any], Admission], Reply | Response]

ADMITTED_LATE_BYTES = 16 * 1024  # a larger body is read only after its sender was admitted


def add_routes(
    app: Flask, operations: Iterable[AnyOperation], gateway: Gateway, prepare: Callable[[], None] | None = None
) -> None:
    """Adds the routes.

    `prepare` is called before each request that needs the ledger; it may raise `LedgerUnavailable`.
    """
    for operation in operations:
        app.add_url_rule(
            operation.path,
            endpoint=operation.name,
            view_func=_view(operation, gateway, prepare),
            methods=[operation.method],
            provide_automatic_options=False,
        )


def _view(operation: AnyOperation, gateway: Gateway, prepare: Callable[[], None] | None) -> Callable[..., Response]:
    if operation.raw:
        read = _with_raw_body(operation)
    else:
        read = _with_body(operation, gateway) if operation.takes_body else _without_body(operation, gateway)

    def handle(**path: Any) -> Response:
        try:
            if prepare and operation.needs_ledger:
                prepare()
            expected = _expected(operation, gateway, path) if operation.submits else None
            admission = expected or Admission(_admitted(operation, gateway, path))
            reply = _settled(admission, read, path)
            g.in_ledger = operation.submits and isinstance(reply, Reply) and reply.status < 300
            return response_of(reply)
        except LedgerUnavailable:
            if operation.away:
                return operation.away()
            raise
        except ProblemError as refusal:
            if operation.refused and _asked_by_people():
                return operation.refused(refusal.problem)
            raise

    return handle


def _asked_by_people() -> bool:
    return "text/html" in request.headers.get("Accept", "")


def _admitted(operation: AnyOperation, gateway: Gateway, path: dict[str, Any]) -> Identity:
    """Authenticates, before anything else of the request is read. Raises 401, 403, 404, 410 and 429 problems."""
    asked = AuthRequest.of(request, page=not operation.api)
    g.identity = identity = gateway.gate.identify(asked, operation.role, operation.linked, path)
    if identity.key_id:
        structlog.contextvars.bind_contextvars(key=identity.key_id, owner=identity.owner)
    standing, g.headers = gateway.gate.count(identity)
    require(identity, operation.role, standing)
    return identity


def _expected(operation: AnyOperation, gateway: Gateway, path: dict[str, Any]) -> Admission | None:
    """Returns the expected admission, which the transaction of the submission confirms.

    Returns None if the request must be admitted before that transaction.
    """
    length = request.content_length
    if request.mimetype != JSON or length is None or length > ADMITTED_LATE_BYTES or operation.role is None:
        return None
    expected = gateway.gate.expect(AuthRequest.of(request), operation.role)
    if expected is None:
        return None
    identity, check = expected

    def ordinary() -> None:
        _admitted(operation, gateway, path)

    def counted(limit: RateLimitResult) -> None:
        g.headers = gateway.gate.limit_headers(limit)

    if identity.key_id:
        structlog.contextvars.bind_contextvars(key=identity.key_id, owner=identity.owner)
    return LateAdmission(identity, check, ordinary=ordinary, counted=counted)


def _settled(admission: Admission, read: Reading, path: dict[str, Any]) -> Reply | Response:
    """Returns the answer after the admission was settled. A refusal by the admission precedes any other refusal."""
    try:
        return read(path, admission)
    finally:
        admission.settle()


def _without_body(operation: AnyOperation, gateway: Gateway) -> Reading:
    beside = frozenset({PARAMETER} if operation.linked else ())
    query = QueryReader(operation.query or Nothing, beside) if operation.api else None

    def answer(path: dict[str, Any], admission: Admission) -> Reply | Response:
        return operation.view(
            Call(
                identity=admission.identity,
                path=path,
                query=query.read(request) if query else Nothing(),
                body=Nothing(),
                headers=_headers_for_views(),
                method=request.method,
                wait_seconds=_wait_seconds(operation, gateway),
                request_id=g.request_id,
            )
        )

    return answer


def _with_raw_body(operation: AnyOperation) -> Reading:
    def answer(path: dict[str, Any], admission: Admission) -> Reply | Response:
        raw = bytes(read_limited(request, "a batch of events", RAW_BYTES))
        headers = _headers_for_views()
        return operation.view(
            Call(
                identity=admission.identity,
                path=path,
                query=Nothing(),
                body=Nothing(),
                headers=headers,
                method=request.method,
                request_id=g.request_id,
                raw=raw,
            )
        )

    return answer


def _with_body(operation: AnyOperation, gateway: Gateway) -> Reading:
    query = QueryReader(operation.query or Nothing)
    body = _body_reader(operation, gateway)

    def answer(path: dict[str, Any], admission: Admission) -> Reply | Response:
        key = idempotency_key(request) if operation.takes_key else None
        asked = query.read(request) if operation.api else Nothing()
        fields, files, fingerprint = body.read(request)
        wait = _wait_seconds(operation, gateway)

        call = Call(
            identity=admission.identity,
            path=path,
            query=asked,
            body=fields,
            files=files,
            method=request.method,
            wait_seconds=wait,
            request_id=g.request_id,
            admission=admission,
            body_bytes=request.content_length or 0,
        )
        try:
            if key is None:
                return operation.view(call)
            scope = Scope(admission.identity.owner, operation.method, request.path, key)
            if _takes_key_late(operation):
                return operation.view(replace(call, once=Once(scope, fingerprint())))
            return idempotency.once(gateway.held_keys, scope, fingerprint(), operation, call)
        finally:
            for file in files:
                file.file.close()

    return answer


def _takes_key_late(operation: AnyOperation) -> bool:
    """Returns whether nothing is stored before the transaction of the submission."""
    if not operation.submits or request.mimetype != JSON:
        return False
    length = request.content_length
    return operation.stores_above is None or (length is not None and length <= operation.stores_above)


def _body_reader(operation: AnyOperation, gateway: Gateway) -> BodyReader[Any] | NoBodyReader | FormReader:
    if not operation.api:
        return FormReader(gateway.settings, is_open=operation.role is None, files=operation.form_files)
    return BodyReader(operation.body, gateway.settings) if operation.body else NoBodyReader()


def _headers_for_views() -> Headers:
    """Returns the headers that views may see. The key is left out, so that no view can reveal it by mistake."""
    return Headers([(name, value) for name, value in request.headers if name != "Authorization"])


def _wait_seconds(operation: AnyOperation, gateway: Gateway) -> float | None:
    if not operation.waits or "HTTP_PREFER" not in request.environ:
        return None
    return prefer.wait_seconds(",".join(request.headers.getlist("Prefer")), gateway.settings.max_wait_seconds)
