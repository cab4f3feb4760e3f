"""Declares a route: what it takes and what it answers.

Requests are read and the OpenAPI document is made from the declaration.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from flask import Response
from pydantic import BaseModel
from werkzeug.datastructures import Headers

from bureau.contracts.base import Contract
from bureau.contracts.problems import Problem
from bureau.ledger.access.audit import Act
from bureau.ledger.access.idempotency import Answer, Once, Reservation
from bureau.ledger.access.keys import Role
from bureau.services.gateway.auth.admission import Admission
from bureau.services.gateway.auth.identity import Identity
from bureau.services.gateway.http.parsing.multipart import Files, UploadedFile
from bureau.signing.signed_links import Linked

B = TypeVar("B", bound=BaseModel)
Q = TypeVar("Q", bound=BaseModel)


class Nothing(Contract):
    """Has no query parameters, or no fields."""


@dataclass(frozen=True)
class Call(Generic[B, Q]):
    """Holds a validated request as a view sees it.

    `wait_seconds` is the time that `Prefer: wait` asked for. `reservation` is the Idempotency-Key reserved for this
    request, `once` the one that its transaction must take. `admission` is set if that transaction must admit the
    request.
    """

    identity: Identity
    path: Mapping[str, Any]
    query: Q
    body: B
    files: Sequence[UploadedFile] = ()
    headers: Headers = field(default_factory=Headers)
    method: str = "GET"
    wait_seconds: float | None = None
    reservation: Reservation | None = None
    request_id: str | None = None
    raw: bytes = b""  # the unparsed body, for an operation that takes it so
    once: Once | None = None
    admission: Admission | None = None  # of an API request
    body_bytes: int = 0  # of a JSON body

    @property
    def owner(self) -> str:
        """Returns the owner whose data is read and changed. Other owners' data is invisible to the request."""
        return self.identity.owner

    def act(self, what: str, target: object = None, **detail: Any) -> Act:
        """Returns the audit entry for this request."""
        target = str(target) if target is not None else None
        return Act(what, self.owner, self.identity.name, target, self.request_id, detail)


@dataclass(frozen=True)
class Reply:
    """Is an answer with a model as JSON, or without content."""

    status: int
    body: BaseModel | None
    headers: dict[str, str] = field(default_factory=dict)


View = Callable[[Call[B, Q]], Reply | Response]


@dataclass(frozen=True)
class Documented:
    """Describes an answer in the OpenAPI document.

    Its content is the model as JSON, one of `media_types`, or nothing.
    """

    status: int
    description: str
    model: type[BaseModel] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)  # name to description
    media_types: tuple[str, ...] = ()


@dataclass(frozen=True)
class Body(Generic[B]):
    """Describes what a POST, PUT or PATCH takes: JSON, a form with files, or either."""

    model: type[B]
    json: bool = True
    files: Files | None = None


@dataclass(frozen=True)
class Operation(Generic[B, Q]):
    """Declares one method of one path. `name` is the operationId and Flask's endpoint, `path` is Flask's rule."""

    name: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    view: View[B, Q]
    summary: str
    tag: str
    role: Role | None  # the role that a key needs; None: open to everyone, without a key
    answers: Sequence[Documented]
    problems: Sequence[str] = ()  # slugs in addition to those that follow from the declaration
    body: Body[B] | None = None
    form_files: Files | None = None  # the files that a page's form takes besides its fields
    query: type[Q] | None = None
    path_patterns: Mapping[str, str] = field(default_factory=dict)  # of path parameters that must match a pattern
    request_headers: Mapping[str, str] = field(default_factory=dict)  # name to description
    waits: bool = False  # understands Prefer: wait
    replay: Callable[[Call[B, Q], Answer], Reply] | None = None  # if `takes_key`: returns its first answer again
    raw: bool = False  # takes its body unparsed, and no Idempotency-Key: it is a provider's, and signed
    api: bool = True  # False: for browsers; takes any query
    linked: Linked | None = None  # also readable with a signed link, by its `token` parameter
    refused: Callable[[Problem], Response] | None = None  # a page's own answer to people, instead of a problem
    away: Callable[[], Response] | None = None  # the same, while the ledger is unavailable
    # The view's transaction admits a small JSON request and takes its Idempotency-Key, which saves a statement before
    # it for each. Allowed only for views that settle the admission before they change anything, as `accept` does, and
    # only if a JSON body of up to `stores_above` bytes stores no file.
    submits: bool = False
    stores_above: int | None = None
    needs_ledger: bool = True  # False: also answers while the ledger has never been reached

    @property
    def changes(self) -> bool:
        """Returns whether it changes something; other methods only read (RFC 9110, section 9.2.1)."""
        return self.method != "GET"

    @property
    def takes_body(self) -> bool:
        return self.method in ("POST", "PUT", "PATCH")

    @property
    def takes_key(self) -> bool:
        """Returns whether it takes an Idempotency-Key.

        Other methods can be repeated as they are, and forms are sent by hand.
        """
        return self.method == "POST" and self.api and not self.raw

    @property
    def path_parameters(self) -> list[str]:
        return [part.rpartition(":")[2] for part in _placeholders(self.path)]


def _placeholders(path: str) -> Iterable[str]:
    return [segment.split(">", 1)[0] for segment in path.split("<")[1:]]
