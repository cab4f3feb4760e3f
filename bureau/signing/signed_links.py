"""Signed links: whoever has one reads a file, or a job and its files, until it expires."""

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


class Links:
    """Signs and reads tokens. `secret` is asked for when it is first needed: it may lie in the ledger."""

    def __init__(self, secret: Callable[[], str]) -> None:
        self._secret = secret

    @cached_property
    def _serializer(self) -> URLSafeSerializer:
        return URLSafeSerializer(self._secret(), salt="bureau.link", signer_kwargs={"digest_method": hashlib.sha256})

    def token(self, link: Link) -> str:
        """The same for the same link: a request sent twice is answered with one."""
        text = self._serializer.dumps([link.kind, link.id.hex, link.expires_at])
        return text if isinstance(text, str) else text.decode()

    def read(self, token: str, now: float) -> Link:
        """Raises `LinkInvalid`, `LinkExpired`."""
        try:
            link = _link(self._serializer.loads(token))
        except (BadData, ValueError, TypeError):
            raise LinkInvalid from None
        if link.expires_at <= now:
            raise LinkExpired
        return link


def _link(payload: Any) -> Link:
    kind, text, expires_at = payload
    return Link(Linked(kind), UUID(str(text)), int(expires_at))
