"""Names that are not known, answered with those that are."""

from collections.abc import Collection

_SHOWN = 50


def named(kind: str, known: Collection[str]) -> str:
    """A sentence that lists what there is."""
    if not known:
        return f"no {kind} is announced."
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return f"known: {', '.join(sorted(known)[:_SHOWN])}{more}."
