"""Authenticates requests, checks their role and applies rate limits. Each refusal is a problem."""

import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from werkzeug import Request

from bureau.contracts.problems import ProblemError
from bureau.ledger.access import ended_sessions, ownership
from bureau.ledger.access.keys import Role
from bureau.ledger.access.rate_limits import RateLimitResult
from bureau.ledger.access.shared_secrets import kept_secret
from bureau.ledger.db.database import Database
from bureau.ledger.submissions.submission import AdmissionCheck
from bureau.services.gateway.api_keys import api_key
from bureau.services.gateway.api_keys.key_file import KeyFile
from bureau.services.gateway.auth import rate_limiter, sessions
from bureau.services.gateway.auth.credentials import Malformed, presented
from bureau.services.gateway.auth.identity import LOCAL, NOBODY, Identity
from bureau.services.gateway.auth.keyring import Keyring, Refused
from bureau.services.gateway.auth.rate_limiter import RateLimiter
from bureau.services.gateway.auth.sessions import COOKIE, Sessions
from bureau.services.gateway.problems import not_found, problem, try_again
from bureau.services.gateway.settings import GatewaySettings, is_loopback
from bureau.signing.signed_links import PARAMETER, Link, Linked, LinkExpired, LinkInvalid, LinkSigner

_FORWARDED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP")


@dataclass(frozen=True)
class AuthRequest:
    """Holds the parts of a request that authentication needs.

    `for_people` means that a browser must ask for the key.
    """

    authorization: str | None = field(repr=False)
    peer: str | None
    for_people: bool
    token: str | None = field(repr=False)
    session: str | None = field(default=None, repr=False)
    forwarded: bool = False  # a proxy says that it forwards a request of another machine
    changes_from: str | None = None  # the Origin of a request that changes something; "" if it names none

    @classmethod
    def of(cls, request: Request, *, page: bool = False) -> "AuthRequest":
        told = request.environ  # a look into werkzeug's parsed headers, query and cookies costs ten times as much
        return cls(
            authorization=told.get("HTTP_AUTHORIZATION"),
            peer=told.get("REMOTE_ADDR"),
            for_people=page or "text/html" in told.get("HTTP_ACCEPT", ""),
            token=request.args.get(PARAMETER) if told.get("QUERY_STRING") else None,
            session=request.cookies.get(COOKIE) if "HTTP_COOKIE" in told else None,
            forwarded=any(name in told for name in _FORWARDED),
            changes_from=None if request.method in ("GET", "HEAD") else told.get("HTTP_ORIGIN", ""),
        )


class Authenticator:
    """Authenticates requests. It connects to nothing before its first use."""

    def __init__(self, settings: GatewaySettings, db: Database) -> None:
        self._db = db
        self._per_minute = settings.rate_limit_per_minute
        self._keyring = Keyring(db, KeyFile(settings.keys_file))
        self._limiter = RateLimiter(db, self._per_minute)
        given = settings.link_secret.get_secret_value()
        self.links = LinkSigner(lambda: given or kept_secret(db, "links"), partial(ownership.path_of, db))
        self.sessions = Sessions(lambda: given or kept_secret(db, "sessions"))

    def identify(self, asked: AuthRequest, role: Role | None, linked: Linked | None, path: dict[str, Any]) -> Identity:
        """Returns the identity.

        Raises 401, and for links 403, 404 and 410 problems. The role is checked by `require`.
        """
        if role is None:
            return NOBODY
        if linked and asked.token is not None:
            return self._by_link(asked.token, linked, path)
        key = presented(asked.authorization)
        found = self._keyring.find(key) if key else self._signed_in(asked)
        match found:
            case Identity():
                return found
            case Refused() if found.known or self._keyring.there_are_any():
                raise unauthorized("key-invalid", found.reason, asked.for_people)
            case None if self._keyring.there_are_any():
                raise unauthorized("key-missing", _HOW, asked.for_people)
        if not _is_local(asked):
            raise unauthorized("key-missing", _NO_KEYS, asked.for_people)
        return LOCAL

    def expect(self, asked: AuthRequest, role: Role) -> tuple[Identity, AdmissionCheck] | None:
        """Returns the identity as read a moment ago, and the check by which the submission's transaction confirms it.

        Returns None if `identify` and `count` must be called instead. It raises nothing: these two make every refusal.
        """
        if asked.token is not None or asked.session:
            return None
        key = presented(asked.authorization)
        if key is None:
            local = self._keyring.expects_none() and _is_local(asked)
            return (LOCAL, AdmissionCheck(without_keys=True)) if local else None
        if isinstance(key, Malformed) or not self._limiter.may_take(key.id):
            return None
        expected = self._keyring.expected(key)
        if expected is None or not expected[0].role.includes(role):
            return None
        identity, check = expected
        rate = self._limiter.rate
        return identity, AdmissionCheck(check, identity.key_id if rate else None, rate)

    def limit_headers(self, result: RateLimitResult) -> dict[str, str]:
        """Returns the headers that tell the state of a key's rate limit."""
        return rate_limiter.headers(result, self._per_minute)

    def sign_in(self, text: str) -> tuple[str, Role] | None:
        """Returns the session cookie for a key, and its role; None if the key is not valid."""
        key = api_key.parse(text.strip())
        found = self._keyring.find(key) if key else None
        return (self.sessions.cookie(key), found.role) if key and isinstance(found, Identity) else None

    def sign_out(self, cookie: str | None) -> None:
        """Ends the session of a cookie for good, even if the cookie was copied elsewhere.

        Raises `LedgerUnavailable`.
        """
        signed_in = self.sessions.read(cookie) if cookie else None
        if signed_in is not None:
            ended_sessions.end(self._db, signed_in.session, sessions.SECONDS)

    def keys_are_in_use(self) -> bool:
        return self._keyring.there_are_any()

    def _signed_in(self, asked: AuthRequest) -> Identity | Refused | None:
        """Returns the identity of the cookie.

        Raises a 403 problem for a change without an Origin, because browsers always send one.
        """
        signed_in = self.sessions.read(asked.session) if asked.session and self._keyring.there_are_any() else None
        if signed_in is None:
            return None
        if ended_sessions.has_ended(self._db, signed_in.session):
            return None
        if asked.changes_from == "":
            raise problem("origin-not-allowed", "A change by cookie needs the Origin header that browsers send.")
        found = self._keyring.find(signed_in)
        return replace(found, by_session=True) if isinstance(found, Identity) else found

    def _by_link(self, token: str, linked: Linked, path: dict[str, Any]) -> Identity:
        try:
            link = self.links.read(token, time.time())
        except LinkInvalid:
            raise _bad_link() from None
        except LinkExpired:
            raise problem("link-expired", "This link has expired; ask the person who sent it for a new one.") from None
        owner = self._owner_behind(link, linked, path)
        if owner is None:
            raise not_found(linked)
        return Identity(owner, Role.VIEW, link_token=token, link_bucket=rate_limiter.link_bucket(link))

    def _owner_behind(self, link: Link, linked: Linked, path: dict[str, Any]) -> str | None:
        """Returns the owner. A link to a job opens its files too. Raises 403 if the link is for something else."""
        wanted = path[f"{linked}_id"]
        if link.kind is Linked.JOB and linked is Linked.ARTIFACT:
            return ownership.owner_of_artifact(self._db, wanted, of_job=link.id)
        if link.kind is not linked or link.id != wanted:
            raise _bad_link()
        return ownership.owner_of_job(self._db, wanted) if linked is Linked.JOB else self._owner_of_file(wanted)

    def _owner_of_file(self, artifact_id: Any) -> str | None:
        return ownership.owner_of_artifact(self._db, artifact_id)

    def count(self, identity: Identity) -> tuple[RateLimitResult | None, dict[str, str]]:
        """Counts one more request of this key or link.

        Returns the state of its rate limit, and the headers that tell it.
        """
        bucket = identity.key_id or identity.link_bucket
        standing = self._limiter.take(bucket) if bucket else None
        return standing, rate_limiter.headers(standing, self._per_minute) if standing else {}


def require(identity: Identity, role: Role | None, standing: RateLimitResult | None) -> None:
    """Checks the rate limit and the role. Raises 429 and 403 problems."""
    if standing and not standing.allowed:
        seconds = rate_limiter.wait_seconds(standing)
        who = "key" if identity.key_id else "link"
        detail = (
            f"This {who} has used up its requests; it may send the next one in {seconds} s. "
            "RATE_LIMIT_PER_MINUTE is the limit."
        )
        raise try_again("too-many-requests", detail, seconds)
    if role and not identity.role.includes(role):
        raise problem("role-too-low", f"This needs a key with the role {role} or higher; this one has {identity.role}.")


_HOW = (
    "Send `Authorization: Bearer <key>`; a browser asks for a name and a password: use any name, and the key as "
    "password."
)
_NO_KEYS = (
    "There are no keys yet, and without keys only requests from this machine are answered. "
    "Make one: python -m bureau.services.gateway.keys make --owner NAME --role operate"
)


def unauthorized(slug: str, detail: str, for_people: bool) -> ProblemError:
    """Returns a 401 problem.

    Programs get no Basic challenge, because a browser would open its password dialog over a page's own requests.
    """
    invalid = ', error="invalid_token"' if slug == "key-invalid" else ""
    challenge = 'Basic realm="Bureau", charset="UTF-8"' if for_people else f'Bearer realm="Bureau"{invalid}'
    return problem(slug, detail, headers={"WWW-Authenticate": challenge})


def _bad_link() -> ProblemError:
    return problem("link-invalid", "This gateway did not sign the link for this use.")


def _is_local(asked: AuthRequest) -> bool:
    """Returns whether the request comes from this machine.

    A peer on a Unix socket has no address. A proxy's request counts as another machine's.
    """
    return not asked.forwarded and asked.peer is not None and (asked.peer == "" or is_loopback(asked.peer))
