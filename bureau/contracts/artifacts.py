"""Defines references to files: the bytes are in storage, and messages carry the artifact's id."""

import re
from uuid import UUID

from pydantic import Field

from bureau.contracts.base import Contract

MAX_NAME_BYTES = 240  # file systems take 255; a download in progress is named `.<name>.<8 digits>.part`
_EXTENSION = re.compile(r"(?:\.[A-Za-z0-9]{1,8})?\.[A-Za-z0-9]{1,16}$", re.ASCII)


class ArtifactRef(Contract):
    """Refers to a stored file; `name` replaces the stored name where the file is used."""

    artifact: UUID
    name: str | None = Field(default=None, min_length=1, max_length=255)


def cut_to_bytes(text: str, limit: int) -> str:
    """Returns as many whole characters of `text` as fit into `limit` bytes of UTF-8; file systems count bytes."""
    return text.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")


def safe_name(name: str, fallback: str = "file") -> str:
    """Reduces `name` to a plain file name: no directories, no control characters, at most `MAX_NAME_BYTES`.

    It keeps the extension of a name that is too long, also a double one such as `.csv.gz`. Storage keys,
    Content-Disposition and archive members use it.
    """
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    safe = "".join(c if c.isprintable() and c not in '<>:"|?*' else "_" for c in base).strip(" .")
    if len(safe.encode("utf-8", "replace")) > MAX_NAME_BYTES:
        extension = "".join(_EXTENSION.findall(safe))
        safe = cut_to_bytes(safe, MAX_NAME_BYTES - len(extension.encode())).removesuffix(extension) + extension
    return safe or fallback
