"""Checks storage keys; allowed are those that name the same file on every storage."""

import re

MAX_KEY_BYTES = 1024  # S3's limit
MAX_PART_BYTES = 240  # a file name has at most 255 bytes, and obstore appends `#1` while a file is being written

_STAGED = re.compile(r"#\d+$")


def check_key(key: str) -> str:
    """Returns `key`, or raises ValueError with the rule it breaks.

    Without this check obstore would silently drop a leading or trailing "/", so two keys would name one file.
    """
    if len(key.encode("utf-8", "replace")) > MAX_KEY_BYTES:
        raise ValueError(f"storage key: at most {MAX_KEY_BYTES} bytes, this one has {len(key)} characters")
    for part in key.split("/"):
        if error := _error(part):
            raise ValueError(f"storage key {key!r}: {error}")
    return key


def check_prefix(prefix: str) -> str:
    """Returns `prefix`, or raises ValueError.

    A prefix names a folder: it is empty, or a key with or without a closing "/".
    """
    if prefix:
        check_key(prefix.removesuffix("/"))
    return prefix


def _error(part: str) -> str | None:
    if part == "":
        return "no part may be empty, and the key may not start or end with a slash"
    if part in (".", ".."):
        return f"no part may be {part!r}"
    if len(part.encode("utf-8", "replace")) > MAX_PART_BYTES:
        return f"a part has at most {MAX_PART_BYTES} bytes"
    if any(_is_control(c) for c in part):
        return "control characters, lone surrogates and backslashes are not allowed"
    if _STAGED.search(part):
        return "no part may end in # and digits, the mark of an unfinished file"
    return None


def _is_control(c: str) -> bool:
    return c < " " or "\x7f" <= c <= "\x9f" or "\ud800" <= c <= "\udfff" or c == "\\"
