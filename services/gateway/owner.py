"""Whose request it is."""

LOCAL = "local"


def owner_of_request() -> str:
    """The one owner there is without keys: whoever reaches the loopback address."""
    return LOCAL
