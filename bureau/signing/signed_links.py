"""Signs links with which anybody can read a file, or a job and its files, until the link expires.

`LinkSigner` is the only place that makes a signature. Before it signs, it looks up the file or job with its owner's
rights, so that nobody gets a link to another owner's file by naming its id.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any
from uuid import UUID

from itsdangerous import BadData, URLSafeSerializer

PARAMETER = "token"


class Linked(StrEnum):
    """Lists what a link can give access to."""

    JOB = "job"
    ARTIFACT = "artifact"


@dataclass(frozen=True)
class Link:
    """Describes what a link gives access to; `expires_at` is in seconds since 1970."""

    kind: Linked
    id: UUID
    expires_at: int


class LinkInvalid(Exception):
    """Says that a token was not signed with this secret, or not for a link."""


class LinkExpired(Exception):
    """Says that a link was valid and has expired."""


class NotOwned(Exception):
    """Says that the file or job does not exist, was removed, or has another owner. No link to it is signed."""


class LinkVerifier:
    """Verifies tokens. It calls `secret` only when needed, because the secret may be in the ledger."""

    def __init__(self, secret: Callable[[], str]) -> None:
        self._secret = secret

    @cached_property
    def _serializer(self) -> URLSafeSerializer:
        return URLSafeSerializer(self._secret(), salt="bureau.link", signer_kwargs={"digest_method": hashlib.sha256})

    def read(self, token: str, now: float) -> Link:
        """Verifies a token and returns its link. `now` is in Unix seconds. Raises `LinkInvalid`, `LinkExpired`."""
        try:
            link = _link(self._serializer.loads(token))
        except (BadData, ValueError, TypeError):
            raise LinkInvalid from None
        if link.expires_at <= now:
            raise LinkExpired
        return link


class LinkSigner(LinkVerifier):
    """Makes links for an owner. `find` asks the ledger; it returns the path of this owner's file or job, or None."""

    def __init__(self, secret: Callable[[], str], find: Callable[[Linked, UUID, str], str | None]) -> None:
        super().__init__(secret)
        self._find = find

    def sign(self, link: Link, owner: str) -> str:
        """Returns the path with its token. The same link always gives the same token, so a repeated request gets the
        same answer.

        Raises `NotOwned`, and what `find` raises.
        """
        path = self._find(link.kind, link.id, owner)
        if path is None:
            raise NotOwned
        return f"{path}?{PARAMETER}={self._token(link)}"

    def _token(self, link: Link) -> str:
        text = self._serializer.dumps([link.kind, link.id.hex, link.expires_at])
        return text if isinstance(text, str) else text.decode()


def _link(payload: Any) -> Link:
    kind, text, expires_at = payload
    return Link(Linked(kind), UUID(str(text)), int(expires_at))
