"""Parses and builds JSON Pointers (RFC 6901): `/north/rows` into a result, `#/tasks/0/input` to an invalid field."""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

_FRAGMENT = "!$&'()*+,;=:@/?-._~"  # characters that need no escape in a URI fragment (RFC 3986, section 3.5)


def fragment(path: Iterable[str | int]) -> str:
    """Returns the pointer to `path` as a URI fragment: `["to", 0]` is `#/to/0`, an empty path is `#`."""
    return "#" + "".join(f"/{quote(_escaped(str(token)), safe=_FRAGMENT)}" for token in path)


def parse(pointer: str) -> list[str]:
    """Splits a pointer into its tokens. Raises ValueError with a message for users if it is malformed."""
    if pointer == "":
        return []
    if not pointer.startswith("/"):
        raise ValueError("a JSON Pointer starts with a slash")
    return [_unescaped(token) for token in pointer[1:].split("/")]


def lookup(value: Any, tokens: Sequence[str]) -> Any:
    """Returns what the tokens point to inside a JSON value. Raises LookupError with the token that finds nothing."""
    for token in tokens:
        match value:
            case dict() if token in value:
                value = value[token]
            case list() if is_index(token) and int(token) < len(value):
                value = value[int(token)]
            case _:
                raise LookupError(token)
    return value


def is_index(text: str) -> bool:
    """Tells whether a token may be the index of an item in a list."""
    return text.isascii() and text.isdigit() and len(text) <= 9 and (text == "0" or text[0] != "0")


def _escaped(token: str) -> str:
    return token.replace("~", "~0").replace("/", "~1")


def _unescaped(token: str) -> str:
    if "~" in token.replace("~0", "").replace("~1", ""):
        raise ValueError("a ~ in a JSON Pointer is written ~0, a / inside a name ~1")
    return token.replace("~1", "/").replace("~0", "~")
