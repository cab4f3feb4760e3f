"""The gate: who is it, what may they do, are they too many. Each refusal is a problem."""

import time
from dataclasses import dataclass, field, replace
from typing import Any

from werkzeug import Request

from bureau.contracts.problems import ProblemError
from bureau.ledger.access import ownership
from bureau.ledger.access.keys import Role
from bureau.ledger.access.rate_limits import RateLimitResult
from bureau.ledger.access.shared_secrets import kept_secret
from bureau.ledger.db.database import Database
from bureau.ledger.submissions.submission import AdmissionCheck
from bureau.services.gateway.api_keys import api_key
from bureau.services.gateway.api_keys.key_file import KeyFile
from bureau.services.gateway.auth import rate_limits
from bureau.services.gateway.auth.credentials import Malformed, presented
from bureau.services.gateway.auth.identity import LOCAL, NOBODY, Identity
from bureau.services.gateway.auth.keyring import Keyring, Refused
from bureau.services.gateway.auth.rate_limits import RateLimiter
from bureau.services.gateway.auth.sessions import COOKIE, Sessions
from bureau.services.gateway.problems import not_found, problem, try_again
from bureau.services.gateway.settings import GatewaySettings, is_loopback
from bureau.signing.signed_links import PARAMETER, Link, Linked, LinkExpired, LinkInvalid, Links


@dataclass(frozen=True)
class AuthRequest:
    """What of a request the gate looks at. `for_people`: a browser is to ask for the key."""

    authorization: str | None = field(repr=False)
    peer: str | None
    for_people: bool
    token: str | None = field(repr=False)
    session: str | None = field(default=None, repr=False)
    changes_from: str | None = None  # the Origin of a request that changes something; "" where it names none

    @classmethod
    def of(cls, request: Request, *, page: bool = False) -> "AuthRequest":
        return cls(
            authorization=request.headers.get("Authorization"),
            peer=request.remote_addr,
            for_people=page or "text/html" in request.headers.get("Accept", ""),
            token=request.args.get(PARAMETER),
            session=request.cookies.get(COOKIE),
            changes_from=None if request.method in ("GET", "HEAD") else request.headers.get("Origin", ""),
        )


class Authenticator:
    """Connects to nothing until it is asked."""

    def __init__(self, settings: GatewaySettings, db: Database) -> None:
        self._db = db
        self._per_minute = settings.rate_limit_per_minute
        self._keyring = Keyring(db, KeyFile(settings.keys_file))
        self._limiter = RateLimiter(db, self._per_minute)
        given = settings.link_secret.get_secret_value()
        self.links = Links(lambda: given or kept_secret(db, "links"))
        self.sessions = Sessions(lambda: given or kept_secret(db, "sessions"))

    def identify(self, asked: AuthRequest, role: Role | None, linked: Linked | None, path: dict[str, Any]) -> Identity:
        """Raises 401, and for links 403, 404 and 410 problems. Whether the role suffices is `require`'s to say."""
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
        if not _is_local(asked.peer):
            raise unauthorized("key-missing", _NO_KEYS, asked.for_people)
        return LOCAL

    def expect(self, asked: AuthRequest, role: Role) -> tuple[Identity, AdmissionCheck] | None:
        """Who asks, by what was read a moment ago, and what the transaction of a submission has to compare with the
        ledger before it is true. None: ask `identify` and `count`. Raises nothing: whoever is to be refused is refused
        by them."""
        if asked.token is not None or asked.session:
            return None
        key = presented(asked.authorization)
        if key is None:
            local = self._keyring.expects_none() and _is_local(asked.peer)
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
        """The headers that say where a key's rate limit stands."""
        return rate_limits.headers(result, self._per_minute)

    def sign_in(self, text: str) -> tuple[str, Role] | None:
        """The cookie for who shows this key, and what they may do; None where it opens nothing."""
        key = api_key.parse(text.strip())
        found = self._keyring.find(key) if key else None
        return (self.sessions.cookie(key), found.role) if key and isinstance(found, Identity) else None

    def keys_are_in_use(self) -> bool:
        return self._keyring.there_are_any()

    def _signed_in(self, asked: AuthRequest) -> Identity | Refused | None:
        """By the cookie. Raises a 403 problem for a change that does not say which page sent it: browsers do."""
        signed_in = self.sessions.read(asked.session) if asked.session and self._keyring.there_are_any() else None
        if signed_in is None:
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
            raise problem("link-expired", "This link has expired; ask whoever gave it for a new one.") from None
        owner = self._owner_behind(link, linked, path)
        if owner is None:
            raise not_found(linked)
        return Identity(owner, Role.VIEW, link_token=token)

    def _owner_behind(self, link: Link, linked: Linked, path: dict[str, Any]) -> str | None:
        """A link to a job opens its files too. Raises 403 where the link is for something else."""
        wanted = path[f"{linked}_id"]
        if link.kind is Linked.JOB and linked is Linked.ARTIFACT:
            return ownership.owner_of_artifact(self._db, wanted, of_job=link.id)
        if link.kind is not linked or link.id != wanted:
            raise _bad_link()
        return ownership.owner_of_job(self._db, wanted) if linked is Linked.JOB else self._owner_of_file(wanted)

    def _owner_of_file(self, artifact_id: Any) -> str | None:
        return ownership.owner_of_artifact(self._db, artifact_id)

    def count(self, identity: Identity) -> tuple[RateLimitResult | None, dict[str, str]]:
        """One more request of this key; where it stands, and the headers that say so."""
        standing = self._limiter.take(identity.key_id) if identity.key_id else None
        return standing, rate_limits.headers(standing, self._per_minute) if standing else {}


def require(identity: Identity, role: Role | None, standing: RateLimitResult | None) -> None:
    """Raises 429 and 403 problems."""
    if standing and not standing.allowed:
        seconds = rate_limits.wait_seconds(standing)
        detail = f"This key has used up its requests; there is one more in {seconds} s. RATE_LIMIT_PER_MINUTE sets it."
        raise try_again("too-many-requests", detail, seconds)
    if role and not identity.role.includes(role):
        raise problem("role-too-low", f"This needs a key with the role {role} or higher; this one has {identity.role}.")


_HOW = "Send `Authorization: Bearer <key>`; a browser asks for it: any name, and the key as password."
_NO_KEYS = (
    "There are no keys yet, and without them only this machine itself is answered. "
    "Make one: python -m bureau.services.gateway.keys make --owner NAME --role operate"
)


def unauthorized(slug: str, detail: str, for_people: bool) -> ProblemError:
    """401. Programs are not asked for a password: a browser would put up its dialog over a page's own requests."""
    invalid = ', error="invalid_token"' if slug == "key-invalid" else ""
    challenge = 'Basic realm="Bureau", charset="UTF-8"' if for_people else f'Bearer realm="Bureau"{invalid}'
    return problem(slug, detail, headers={"WWW-Authenticate": challenge})


def _bad_link() -> ProblemError:
    return problem("link-invalid", "This link was not signed by this gateway for what it is used for.")


def _is_local(peer: str | None) -> bool:
    """A socket file's peer has no address."""
    return peer is not None and (peer == "" or is_loopback(peer))
