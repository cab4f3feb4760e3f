"""A route as it is declared: what it takes, what it answers. Requests are read and OpenAPI is made from this."""

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
    """No query parameters, or no fields."""


@dataclass(frozen=True)
class Call(Generic[B, Q]):
    """A request that was read and found well-formed, as a view sees it.

    `wait_seconds` is what `Prefer: wait` asked for; `reservation` is the Idempotency-Key held for this request, `once`
    the one that its transaction is to take. `admission` is there where that transaction is to admit the request.
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
    raw: bytes = b""  # the body as it came, of an operation that takes it so
    once: Once | None = None
    admission: Admission | None = None  # of an API request
    body_bytes: int = 0  # of a JSON body

    @property
    def owner(self) -> str:
        """Whose things are read and changed; another owner's are not there."""
        return self.identity.owner

    def act(self, what: str, target: object = None, **detail: Any) -> Act:
        """This request as the audit tells it."""
        target = str(target) if target is not None else None
        return Act(what, self.owner, self.identity.name, target, self.request_id, detail)


@dataclass(frozen=True)
class Reply:
    """An answer with a model as JSON, or without any content."""

    status: int
    body: BaseModel | None
    headers: dict[str, str] = field(default_factory=dict)


View = Callable[[Call[B, Q]], Reply | Response]


@dataclass(frozen=True)
class Documented:
    """An answer in the OpenAPI document. Its content is the model as JSON, or one of `media_types`, or nothing."""

    status: int
    description: str
    model: type[BaseModel] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)  # name to description
    media_types: tuple[str, ...] = ()


@dataclass(frozen=True)
class Body(Generic[B]):
    """What a POST, PUT or PATCH takes: JSON, a form with files, or either."""

    model: type[B]
    json: bool = True
    files: Files | None = None


@dataclass(frozen=True)
class Operation(Generic[B, Q]):
    """One method of one path. `name` is the operationId and Flask's endpoint, `path` is Flask's rule."""

    name: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    view: View[B, Q]
    summary: str
    tag: str
    role: Role | None  # what a key must be allowed; None: open to everybody, without a key
    answers: Sequence[Documented]
    problems: Sequence[str] = ()  # slugs beside those that follow from the declaration
    body: Body[B] | None = None
    query: type[Q] | None = None
    path_patterns: Mapping[str, str] = field(default_factory=dict)  # of path parameters that not every text fits
    request_headers: Mapping[str, str] = field(default_factory=dict)  # name to description
    waits: bool = False  # understands Prefer: wait
    replay: Callable[[Call[B, Q], Answer], Reply] | None = None  # where `takes_key`: its first answer, again
    raw: bool = False  # takes its body as it comes, and no Idempotency-Key: a provider's, signed
    api: bool = True  # False: for browsers; takes any query
    linked: Linked | None = None  # read with a signed link too, by its `token` parameter
    refused: Callable[[Problem], Response] | None = None  # a page's own answer to people, instead of a problem
    away: Callable[[], Response] | None = None  # and while the ledger is away
    # Its transaction admits a small JSON request and takes its Idempotency-Key, instead of a statement before each.
    # Only for views that settle the admission before they change anything, as `accept` does, and where a JSON body of
    # up to `stores_above` bytes stores no file.
    submits: bool = False
    stores_above: int | None = None
    needs_ledger: bool = True  # False: answers while the ledger was never reached yet

    @property
    def changes(self) -> bool:
        """Whether it does something; other methods only read (RFC 9110, section 9.2.1)."""
        return self.method != "GET"

    @property
    def takes_body(self) -> bool:
        return self.method in ("POST", "PUT", "PATCH")

    @property
    def takes_key(self) -> bool:
        """Whether it takes an Idempotency-Key: other methods may be repeated as they are, forms are sent by hand."""
        return self.method == "POST" and self.api and not self.raw

    @property
    def path_parameters(self) -> list[str]:
        return [part.rpartition(":")[2] for part in _placeholders(self.path)]


def _placeholders(path: str) -> Iterable[str]:
    return [segment.split(">", 1)[0] for segment in path.split("<")[1:]]
