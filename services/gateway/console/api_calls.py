"""Performs the request of a page's form through the API's own operation: one set of rules, one audit."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from pydantic import BaseModel

from bureau.ledger.access.idempotency import Scope
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http import idempotency
from bureau.services.gateway.http.operation import Call, Nothing, Operation, Reply
from bureau.services.gateway.http.parsing.validation import Reader


class ApiCalls:
    """Calls operations of the API by name, with a body as a client would send it."""

    def __init__(self, gateway: Gateway, api: Sequence[Operation[Any, Any]]) -> None:
        self._gateway = gateway
        self._operations = {operation.name: operation for operation in api}

    def perform(
        self, name: str, call: Call[Any, Any], body: dict[str, Any] | None = None, query: BaseModel | None = None
    ) -> BaseModel:
        """Performs an operation on what the page's own path names. Returns the answer's body. Raises its problems."""
        operation = self._operations[name]
        answered = operation.view(self._call(operation, call, body, query))
        if not isinstance(answered, Reply):
            raise TypeError(f"{name} answers with a stream, which no page shows")
        return answered.body or Nothing()

    def once(self, name: str, call: Call[Any, Any], body: dict[str, Any], key: str) -> BaseModel:
        """Performs an operation once, however often the page asks for it with this idempotency key."""
        operation = self._operations[name]
        scope = Scope(call.owner, operation.method, operation.path, key or uuid4().hex)
        asked = self._call(operation, call, body, None)
        reply = idempotency.once(self._gateway.held_keys, scope, key, operation, asked)
        return reply.body or Nothing()

    def _call(
        self, operation: Operation[Any, Any], call: Call[Any, Any], body: dict[str, Any] | None, query: BaseModel | None
    ) -> Call[Any, Any]:
        if operation.role and not call.identity.role.includes(operation.role):
            raise PermissionError(f"a page that performs {operation.name} needs its role")
        read: Any = Reader(operation.body.model).read(body or {}) if operation.body else call.body
        return replace(call, body=read, query=query or call.query, wait_seconds=None, reservation=None)
