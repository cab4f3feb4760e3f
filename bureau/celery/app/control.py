"""Defines `app.control`: what runs and waits, and how to stop it, asked of the gateway."""

from collections.abc import Callable, Iterable
from typing import Any

from bureau.celery import state
from bureau.celery.exceptions import NotInBureau
from bureau.celery.results.reading import registered
from bureau.celery.results.result import revoke
from bureau.celery.sending import gateway
from bureau.celery.sending.naming import SHIPPED, queue_name

SHOWN_AT_MOST = 1000  # of the tasks of a state


class Inspect:
    """Asks what workers do. The answers are by worker, as in Celery; None if no worker runs."""

    def __init__(self, destination: Any = None, **_: Any) -> None:
        self._destination = [destination] if isinstance(destination, str) else destination

    def active(self, safe: Any = None) -> Any:
        """Returns the tasks that run."""
        return self._tasks("running")

    def reserved(self, safe: Any = None) -> Any:
        """Returns the tasks that wait for a worker; no worker has them, so they are under `bureau`."""
        return self._tasks("queued")

    def scheduled(self, safe: Any = None) -> Any:
        """Returns the tasks that wait for a time, of an eta, a countdown or a retry."""
        return self._tasks("scheduled", "retrying")

    def registered(self, *_info: str) -> Any:
        """Returns the names of the tasks that each worker announced."""
        by_queue: dict[str, list[str]] = {}
        for one in gateway.client().catalog():
            by_queue.setdefault(one["queue"], []).append(_name(one["name"]))
        return self._of_workers(lambda worker: sorted(by_queue.get(worker["queue"], [])))

    registered_tasks = registered

    def ping(self, destination: Any = None) -> Any:
        return self._of_workers(lambda _: {"ok": "pong"})

    def stats(self) -> Any:
        """Returns what Bureau knows of each worker: its threads, memory, process, when it was seen."""
        return self._of_workers(lambda worker: {"pool": {"max-concurrency": worker["threads"]}, **worker})

    def active_queues(self) -> Any:
        return self._of_workers(lambda worker: [{"name": worker["queue"], "routing_key": worker["queue"]}])

    def revoked(self) -> Any:
        """Returns nothing: a revoked task is cancelled in the ledger, and no worker keeps a list."""
        return self._of_workers(lambda _: [])

    def query_task(self, *ids: Any) -> Any:
        """Returns where tasks of these ids run or wait."""
        wanted = set(ids[0] if len(ids) == 1 and isinstance(ids[0], list | tuple) else ids)
        found: dict[str, dict[str, Any]] = {}
        for state_name in ("active", "reserved", "scheduled"):
            for worker, tasks in (getattr(self, state_name)() or {}).items():
                for task in tasks:
                    if task["id"] in wanted:
                        found.setdefault(worker, {})[task["id"]] = [state_name, task]
        return found or None

    def conf(self, with_defaults: bool = False) -> Any:
        raise NotInBureau("inspect().conf: Bureau's workers do not tell their settings; see docs/settings.md")

    def __getattr__(self, name: str) -> Any:
        if name in ("report", "memsample", "memdump", "objgraph", "clock", "hello", "stamped"):
            raise NotInBureau(f"inspect().{name}: Bureau's workers have no such command; see GET /v1/workers")
        raise AttributeError(name)

    def _tasks(self, *states: str) -> Any:
        found: dict[str, list[Any]] = {worker["id"]: [] for worker in self._workers()}
        for task in gateway.client().tasks(state=states, limit=SHOWN_AT_MOST):
            worker = task["worker"] if states == ("running",) and task["worker"] else "bureau"
            if worker == "bureau" or worker in found:
                found.setdefault(worker, []).append(_shown(task, worker))
        return found or None

    def _of_workers(self, told: Callable[[Any], Any]) -> Any:
        return {worker["id"]: told(worker) for worker in self._workers()} or None

    def _workers(self) -> Iterable[Any]:
        live = [one for one in gateway.client().workers() if one["live"] and one["queue"] not in SHIPPED]
        return [one for one in live if not self._destination or one["id"] in self._destination]


class Control:
    """Stops tasks and empties queues."""

    def __init__(self, app: Any = None) -> None:
        self._app = app

    def inspect(self, destination: Any = None, **_: Any) -> Inspect:
        return Inspect(destination)

    def revoke(self, task_id: Any, destination: Any = None, terminate: bool = False, **_: Any) -> None:
        """Has tasks not run; with `terminate` those that run are asked to stop."""
        for one in [task_id] if isinstance(task_id, str) else task_id:
            revoke(str(one), terminate=terminate)

    def terminate(self, task_id: Any, **_: Any) -> None:
        self.revoke(task_id, terminate=True)

    def purge(self, connection: Any = None) -> int:
        """Cancels all tasks of the project's queues that have not started, and returns how many."""
        client = gateway.client()
        known = {queue["name"] for queue in client.queues()}
        return sum(client.purge(queue).changed for queue in sorted(queues() & known))

    discard_all = purge

    def ping(self, destination: Any = None, timeout: float = 1.0, **_: Any) -> list[Any]:
        return [{worker: answer} for worker, answer in (Inspect(destination).ping() or {}).items()]

    def __getattr__(self, name: str) -> Any:
        if name in _REFUSED:
            raise NotInBureau(f"control.{name}: {_REFUSED[name]}")
        raise AttributeError(name)


def queues() -> set[str]:
    """Returns the project's queues as Bureau calls them: of the settings, the routes and the tasks."""
    conf = state.conf()
    named: set[Any] = {conf.task_default_queue}
    named |= {task.queue for task in state.TASKS.values() if task.queue}
    declared = conf.task_queues or ()
    named |= {getattr(queue, "name", queue) for queue in declared}
    for route in _listed(conf.task_routes):
        targets = route.values() if isinstance(route, dict) else route[1:] if isinstance(route, tuple) else ()
        for target in targets:
            found = target.get("queue") if isinstance(target, dict) else target
            named.add(getattr(found, "name", found) or conf.task_default_queue)
    return {queue_name(queue) for queue in named}


def _listed(found: Any) -> list[Any]:
    return [] if not found else list(found) if isinstance(found, list | tuple) else [found]


def _name(run: str) -> str:
    return getattr(registered(run), "name", run.partition(".")[2])


def _shown(task: Any, worker: str) -> dict[str, Any]:
    about = {"id": task["job_id"], "name": _name(task["run"]), "type": _name(task["run"]), "hostname": worker}
    about |= {"time_start": task["started_at"], "eta": task["due_at"], "priority": task["priority"]}
    return {**about, "delivery_info": {"exchange": "", "routing_key": task["queue"], "priority": task["priority"]}}


_WORKER = "start or stop workers by your supervisor"
_QUEUES = "a worker serves the queues it was started with"
_REFUSED = {
    "broadcast": "no messages go to workers",
    "rate_limit": "Bureau has no rate limit for each worker",
    "time_limit": "change the declaration, or pass time_limit=… to apply_async",
    "add_consumer": f"{_QUEUES}; bureau.client's resume(queue) lets a paused queue go on",
    "cancel_consumer": f"{_QUEUES}; bureau.client's pause(queue) stops one",
    "pool_grow": _WORKER,
    "pool_shrink": _WORKER,
    "pool_restart": _WORKER,
    "autoscale": _WORKER,
    "shutdown": _WORKER,
    "enable_events": "Bureau keeps all events",
    "disable_events": "Bureau keeps all events",
    "heartbeat": "see GET /v1/workers",
    "election": "no messages go to workers",
    "revoke_by_stamped_headers": "Bureau has no stamping",
}
