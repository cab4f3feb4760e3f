"""Operations become Flask routes: a request is read, its key held, its view called, its answer written."""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Response, request

from bureau.ledger.idempotency import Scope
from services.gateway.gateway import Gateway
from services.gateway.http import idempotency, prefer
from services.gateway.http.answers import response_of
from services.gateway.http.operation import Call, Nothing, Operation, Reply
from services.gateway.http.reading import BodyReader, NoBodyReader, QueryReader, idempotency_key
from services.gateway.owner import owner_of_request

AnyOperation = Operation[Any, Any]


def add_routes(app: Flask, operations: Iterable[AnyOperation], gateway: Gateway) -> None:
    for operation in operations:
        app.add_url_rule(
            operation.path,
            endpoint=operation.name,
            view_func=_view(operation, gateway),
            methods=[operation.method],
            provide_automatic_options=False,
        )


def _view(operation: AnyOperation, gateway: Gateway) -> Callable[..., Response]:
    read = _with_body(operation, gateway) if operation.takes_body else _without_body(operation, gateway)

    def handle(**path: Any) -> Response:
        return response_of(read(path))

    return handle


def _without_body(operation: AnyOperation, gateway: Gateway) -> Callable[[dict[str, Any]], Reply | Response]:
    query = QueryReader(operation.query or Nothing) if operation.api else None

    def answer(path: dict[str, Any]) -> Reply | Response:
        return operation.view(
            Call(
                owner=owner_of_request(),
                path=path,
                query=query.read(request) if query else Nothing(),
                body=Nothing(),
                headers=request.headers,
                method=request.method,
                wait_seconds=_wait_seconds(operation, gateway),
            )
        )

    return answer


def _with_body(operation: AnyOperation, gateway: Gateway) -> Callable[[dict[str, Any]], Reply | Response]:
    query = QueryReader(operation.query or Nothing)
    body: BodyReader[Any] | NoBodyReader = (
        BodyReader(operation.body, gateway.settings) if operation.body else NoBodyReader(gateway.settings)
    )

    def answer(path: dict[str, Any]) -> Reply | Response:
        key = idempotency_key(request) if operation.takes_key else None
        asked = query.read(request)
        fields, files, fingerprint = body.read(request)
        owner = owner_of_request()
        wait = _wait_seconds(operation, gateway)

        call = Call(owner, path, asked, fields, files, request.headers, request.method, wait)
        try:
            if key is None:
                return operation.view(call)
            scope = Scope(owner, operation.method, request.path, key)
            return idempotency.once(gateway.database, scope, fingerprint, operation, call)
        finally:
            for file in files:
                file.file.close()

    return answer


def _wait_seconds(operation: AnyOperation, gateway: Gateway) -> float | None:
    if not operation.waits:
        return None
    return prefer.wait_seconds(",".join(request.headers.getlist("Prefer")), gateway.settings.max_wait_seconds)
