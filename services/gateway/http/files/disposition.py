"""Encodes file names for headers and URLs."""

from urllib.parse import quote

_ATTR_CHARS = "!#$&+-.^_`|~"  # RFC 8187, section 3.2.1


def attachment(name: str) -> str:
    """Returns a Content-Disposition (RFC 6266): plain for old clients, plus UTF-8 if the plain form loses something."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in name)
    if plain == name:
        return f'attachment; filename="{plain}"'
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe=_ATTR_CHARS)}"


def path_segment(name: str) -> str:
    """Returns a name encoded as one path segment."""
    return quote(name, safe="")
