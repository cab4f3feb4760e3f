"""Applies chains, groups and chords at once, in this process, as `task_always_eager` has it."""

from collections.abc import Mapping, Sequence
from typing import Any

from bureau.celery.results.group import GroupResult
from bureau.celery.utils import uuid

_OF_LAST = ("link", "link_error", "throw")


class EagerChain:
    """Runs steps one after the other. It raises what a step raised that others come after, as in Celery."""

    def __init__(self, steps: Sequence[Any], options: Mapping[str, Any]) -> None:
        self._steps = steps
        self._options = {name: options[name] for name in _OF_LAST if options.get(name) is not None}

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result: Any = None
        for index, step in enumerate(self._steps):
            options = dict(self._options)
            if index < len(self._steps) - 1:
                options.pop("link", None)
            given = args if index == 0 else (result.get(),)
            made = step.apply(given, kwargs if index == 0 else {}, **options)
            made.parent = result
            result = made
        return result


def eager_group(
    members: Sequence[Any], args: tuple[Any, ...], kwargs: dict[str, Any], options: Mapping[str, Any]
) -> GroupResult:
    """Runs the members one after the other; one that fails does not keep the others from running."""
    own = {name: options[name] for name in _OF_LAST if options.get(name) is not None}
    return GroupResult(uuid(), [member.apply(args, kwargs, **own) for member in members])
