"""Lists the known names in the answer to an unknown one."""

from collections.abc import Collection

_SHOWN = 50


def named(kind: str, known: Collection[str]) -> str:
    """Returns a sentence that lists the known names."""
    if not known:
        return f"no {kind} is announced."
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return f"known: {', '.join(sorted(known)[:_SHOWN])}{more}."
