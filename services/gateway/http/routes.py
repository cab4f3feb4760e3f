"""Operations become Flask routes: a request is read, its key held, its view called, its answer written."""

from collections.abc import Callable, Iterable
from typing import Any

import structlog
from flask import Flask, Response, g, request
from werkzeug.datastructures import Headers

from bureau.contracts.problems import ProblemError
from bureau.ledger.access.idempotency import Scope
from bureau.ledger.db.database import LedgerUnavailable
from bureau.services.gateway.auth.authenticator import AuthRequest, require
from bureau.services.gateway.auth.identity import Identity
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http import idempotency, prefer
from bureau.services.gateway.http.answers import response_of
from bureau.services.gateway.http.forms import FormReader
from bureau.services.gateway.http.operation import Call, Nothing, Operation, Reply
from bureau.services.gateway.http.reading import BodyReader, NoBodyReader, QueryReader, idempotency_key, read_limited
from bureau.signing.signed_links import PARAMETER

AnyOperation = Operation[Any, Any]
Reading = Callable[[dict[str, Any], Identity], Reply | Response]


def add_routes(
    app: Flask, operations: Iterable[AnyOperation], gateway: Gateway, prepare: Callable[[], None] | None = None
) -> None:
    """`prepare` is called before each request that needs the ledger; it may raise `LedgerUnavailable`."""
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
        read = _with_raw_body(operation, gateway)
    else:
        read = _with_body(operation, gateway) if operation.takes_body else _without_body(operation, gateway)

    def handle(**path: Any) -> Response:
        try:
            if prepare and operation.needs_ledger:
                prepare()
            return response_of(read(path, _admitted(operation, gateway, path)))
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
    """Before anything else of the request is read. Raises 401, 403, 404, 410 and 429 problems."""
    asked = AuthRequest.of(request, page=not operation.api)
    g.identity = identity = gateway.gate.identify(asked, operation.role, operation.linked, path)
    if identity.key_id:
        structlog.contextvars.bind_contextvars(key=identity.key_id, owner=identity.owner)
    standing, g.headers = gateway.gate.count(identity)
    require(identity, operation.role, standing)
    return identity


def _without_body(operation: AnyOperation, gateway: Gateway) -> Reading:
    beside = frozenset({PARAMETER} if operation.linked else ())
    query = QueryReader(operation.query or Nothing, beside) if operation.api else None

    def answer(path: dict[str, Any], identity: Identity) -> Reply | Response:
        return operation.view(
            Call(
                identity=identity,
                path=path,
                query=query.read(request) if query else Nothing(),
                body=Nothing(),
                headers=_told_headers(),
                method=request.method,
                wait_seconds=_wait_seconds(operation, gateway),
                request_id=g.request_id,
            )
        )

    return answer


def _with_raw_body(operation: AnyOperation, gateway: Gateway) -> Reading:
    def answer(path: dict[str, Any], identity: Identity) -> Reply | Response:
        raw = read_limited(request, "MAX_JSON_BYTES", gateway.settings.max_json_bytes)
        headers = _told_headers()
        return operation.view(
            Call(identity, path, Nothing(), Nothing(), (), headers, request.method, request_id=g.request_id, raw=raw)
        )

    return answer


def _with_body(operation: AnyOperation, gateway: Gateway) -> Reading:
    query = QueryReader(operation.query or Nothing)
    body = _body_reader(operation, gateway)

    def answer(path: dict[str, Any], identity: Identity) -> Reply | Response:
        key = idempotency_key(request) if operation.takes_key else None
        asked = query.read(request) if operation.api else Nothing()
        fields, files, fingerprint = body.read(request)
        wait = _wait_seconds(operation, gateway)

        call = Call(
            identity, path, asked, fields, files, _told_headers(), request.method, wait, request_id=g.request_id
        )
        try:
            if key is None:
                return operation.view(call)
            scope = Scope(identity.owner, operation.method, request.path, key)
            return idempotency.once(gateway.database, scope, fingerprint, operation, call)
        finally:
            for file in files:
                file.file.close()

    return answer


def _body_reader(operation: AnyOperation, gateway: Gateway) -> BodyReader[Any] | NoBodyReader | FormReader:
    if not operation.api:
        return FormReader(gateway.settings)
    return BodyReader(operation.body, gateway.settings) if operation.body else NoBodyReader(gateway.settings)


def _told_headers() -> Headers:
    """What views may see: a key that nobody has cannot be told by mistake."""
    return Headers([(name, value) for name, value in request.headers if name != "Authorization"])


def _wait_seconds(operation: AnyOperation, gateway: Gateway) -> float | None:
    if not operation.waits:
        return None
    return prefer.wait_seconds(",".join(request.headers.getlist("Prefer")), gateway.settings.max_wait_seconds)
