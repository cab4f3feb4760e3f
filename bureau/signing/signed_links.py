"""Signed links: whoever has one reads a file, or a job and its files, until it expires.

`LinkSigner` is the only place that makes a signature. It looks the thing up as its owner would before it signs, so that
nobody gets a link to another owner's file by naming its id.
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
    """What a link leads to."""

    JOB = "job"
    ARTIFACT = "artifact"


@dataclass(frozen=True)
class Link:
    """`expires_at` in seconds since 1970."""

    kind: Linked
    id: UUID
    expires_at: int


class LinkInvalid(Exception):
    """It was not signed here, or is for something else."""


class LinkExpired(Exception):
    """It was good once."""


class NotOwned(Exception):
    """The thing does not exist, was removed, or belongs to another owner. No link to it is signed."""


class Links:
    """Reads tokens. `secret` is asked for when it is first needed: it may lie in the ledger."""

    def __init__(self, secret: Callable[[], str]) -> None:
        self._secret = secret

    @cached_property
    def _serializer(self) -> URLSafeSerializer:
        return URLSafeSerializer(self._secret(), salt="bureau.link", signer_kwargs={"digest_method": hashlib.sha256})

    def read(self, token: str, now: float) -> Link:
        """Raises `LinkInvalid`, `LinkExpired`."""
        try:
            link = _link(self._serializer.loads(token))
        except (BadData, ValueError, TypeError):
            raise LinkInvalid from None
        if link.expires_at <= now:
            raise LinkExpired
        return link


class LinkSigner(Links):
    """Makes links for an owner. `find` gives the path of a thing of this owner, or None: it asks the ledger."""

    def __init__(self, secret: Callable[[], str], find: Callable[[Linked, UUID, str], str | None]) -> None:
        super().__init__(secret)
        self._find = find

    def sign(self, link: Link, owner: str) -> str:
        """The path with its token. It is the same for the same link: a request sent twice is answered with one.

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
