"""File names in headers and addresses."""

from urllib.parse import quote

_ATTR_CHARS = "!#$&+-.^_`|~"  # RFC 8187, section 3.2.1


def attachment(name: str) -> str:
    """A Content-Disposition (RFC 6266): plain for old clients, and in UTF-8 where the plain form loses something."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in name)
    if plain == name:
        return f'attachment; filename="{plain}"'
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe=_ATTR_CHARS)}"


def path_segment(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")
