"""What a page's form asks for is done by the API's own operation: one set of rules, one audit."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from pydantic import BaseModel

from bureau.ledger.access.idempotency import Scope
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http import idempotency
from bureau.services.gateway.http.operation import Call, Operation, Reply
from bureau.services.gateway.http.parsing.validation import Reader


class ApiCalls:
    """`perform` names an operation of the API, and gives it a body as a client would send it."""

    def __init__(self, gateway: Gateway, api: Sequence[Operation[Any, Any]]) -> None:
        self._gateway = gateway
        self._operations = {operation.name: operation for operation in api}

    def perform(
        self, name: str, call: Call[Any, Any], body: dict[str, Any] | None = None, query: BaseModel | None = None
    ) -> BaseModel:
        """The answer's body. What the path names is the page's own. Raises the problems that the operation raises."""
        operation = self._operations[name]
        answered = operation.view(self._call(operation, call, body, query))
        if not isinstance(answered, Reply):
            raise TypeError(f"{name} answers with a stream, which no page shows")
        return answered.body or BaseModel()

    def once(self, name: str, call: Call[Any, Any], body: dict[str, Any], key: str) -> BaseModel:
        """The same, done once however often it is asked for with this key."""
        operation = self._operations[name]
        scope = Scope(call.owner, operation.method, operation.path, key or uuid4().hex)
        asked = self._call(operation, call, body, None)
        reply = idempotency.once(self._gateway.database, scope, key, operation, asked)
        return reply.body or BaseModel()

    def _call(
        self, operation: Operation[Any, Any], call: Call[Any, Any], body: dict[str, Any] | None, query: BaseModel | None
    ) -> Call[Any, Any]:
        if operation.role and not call.identity.role.includes(operation.role):
            raise PermissionError(f"a page that performs {operation.name} needs its role")
        read: Any = Reader(operation.body.model).read(body or {}) if operation.body else call.body
        return replace(call, body=read, query=query or call.query, wait_seconds=None, reservation=None)
