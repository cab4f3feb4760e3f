"""Files by reference: the bytes are in storage, messages carry the artifact's id."""

import re
from uuid import UUID

from pydantic import Field

from bureau.contracts.base import Contract

MEDIA_TYPE_LENGTH = 255
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(?: *;[ -~]*)?")


class ArtifactRef(Contract):
    """A reference to a stored file; `name` replaces the stored name where it is used."""

    artifact: UUID
    name: str | None = Field(default=None, min_length=1, max_length=255)


def is_media_type(text: str) -> bool:
    """Whether it has a type and a subtype (RFC 6838, section 4.2), perhaps parameters, and fits the ledger."""
    return len(text) <= MEDIA_TYPE_LENGTH and _MEDIA_TYPE.fullmatch(text) is not None


def safe_name(name: str, fallback: str = "file") -> str:
    """`name` reduced to a plain file name: no directories, no control characters, at most 150 characters.

    The extension survives the cut. Used for storage keys, Content-Disposition and archive members.
    """
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(c if c.isprintable() and c not in '<>:"|?*' else "_" for c in base).strip(" .")
    stem, dot, extension = kept.rpartition(".")
    if dot and len(extension) <= 16:
        kept = f"{stem[: 149 - len(extension)]}.{extension}"
    return kept[:150] or fallback
