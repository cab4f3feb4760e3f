"""Reads KEYS_FILE: keys from a file, for deployments that provide secrets as files.

The file is read again when it changes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import structlog

from bureau.ledger.access.keys import Role
from bureau.services.gateway.api_keys import api_key

LARGEST_BYTES = 1_000_000
OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class FileKey:
    """Is a line `owner role key`; of the key it holds only what a comparison needs."""

    id: str
    owner: str
    role: Role
    sha256: str = field(repr=False)


class KeyFileError(ValueError):
    """Reports an invalid key file; the message names lines and rules, never a key."""


def parse(text: str) -> dict[str, FileKey]:
    """Returns the keys by id, at least one. Raises `KeyFileError` that lists all errors."""
    keys: dict[str, FileKey] = {}
    errors: list[str] = []
    for number, words in _lines(text):
        try:
            key = _key(words)
            if key.id in keys:
                raise KeyFileError(f"a key with the id {key.id} is in an earlier line")
            keys[key.id] = key
        except KeyFileError as error:
            errors.append(f"line {number}: {error}")
    if errors or not keys:
        raise KeyFileError("; ".join(errors) or "it holds no key: write lines `owner role key`")
    return keys


def read(path: Path) -> dict[str, FileKey]:
    """Returns the keys of the file. Raises `KeyFileError`."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read ({error.strerror}); name a file this process may read") from None
    if len(data) > LARGEST_BYTES:
        raise KeyFileError(f"{path} has more than {LARGEST_BYTES} bytes")
    try:
        return parse(data.decode())
    except UnicodeDecodeError:
        raise KeyFileError(f"{path} is not UTF-8 text") from None


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if words := line.partition("#")[0].split():
            yield number, words


def _key(words: list[str]) -> FileKey:
    if len(words) != 3:
        raise KeyFileError("write `owner role key`, separated by spaces")
    owner, role, text = words
    if not OWNER.fullmatch(owner):
        raise KeyFileError("an owner has letters, digits and . _ @ -, at most 100")
    if role not in list(Role):
        raise KeyFileError(f"the role is one of {', '.join(Role)}")
    key = api_key.parse(text)
    if key is None:
        raise KeyFileError(
            "the key is not of the form bureau_<id>_<secret>; "
            "make one: python -m bureau.services.gateway.keys make --owner NAME --role ROLE --for-file"
        )
    return FileKey(key.id, owner, Role(role), key.sha256)


class KeyFile:
    """Holds the current keys of the file, if one was given.

    If the file becomes invalid, its previous keys stay in use and a warning is logged.
    """

    def __init__(self, path: Path | None) -> None:
        self.given = path is not None
        self._path = path
        self._lock = Lock()
        self._seen: tuple[int, ...] | None = None
        self._keys: dict[str, FileKey] = {}

    def keys(self) -> dict[str, FileKey]:
        """Returns the keys by id; checks the file's times first, which costs microseconds."""
        if self._path is None:
            return {}
        with self._lock:
            if (now := _fingerprint(self._path)) != self._seen:
                self._seen = now
                self._read(self._path)
            return self._keys

    def _read(self, path: Path) -> None:
        try:
            self._keys = read(path)
        except KeyFileError as error:
            log.error(
                "the file of keys is invalid; the keys that were read before stay in use",
                reason=str(error),
                keys=len(self._keys),
            )


def _fingerprint(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:
        return ()
    return (status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)
