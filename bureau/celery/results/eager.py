"""Defines EagerResult: of a task that ran at once, in this process."""

from typing import Any

from bureau.celery import states
from bureau.celery.results.reading import Seen
from bureau.celery.results.result import Result


class EagerResult(Result):
    """Holds what a task returned or raised."""

    def __init__(
        self, id: str, ret_value: Any, state: str, traceback: Any = None, name: str | None = None, **_: Any
    ) -> None:
        self.id = id
        self.name = name
        self.parent = None
        self.children: list[Any] = []
        self._ended = Seen(state, ret_value, traceback)

    @property
    def seen(self) -> Seen:
        assert self._ended is not None  # noqa: S101 - set above; for the type checker
        return self._ended

    def get(
        self,
        timeout: float | None = None,
        propagate: bool = True,
        disable_sync_subtasks: bool = True,
        **_: Any,
    ) -> Any:
        """Returns the value, or raises what the task raised."""
        found = self.seen
        if found.state == states.SUCCESS:
            return found.result
        if found.state in states.PROPAGATE_STATES:
            if propagate:
                raise (found.result if isinstance(found.result, BaseException) else RuntimeError(str(found.result)))
            return found.result
        return None

    wait = get

    def ready(self) -> bool:
        return True

    def revoke(self, *_args: Any, **_: Any) -> None:
        self._ended = Seen(states.REVOKED, self.seen.result)

    def forget(self) -> None:
        """Does nothing: nobody keeps it."""
