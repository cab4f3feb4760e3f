"""Makes the answer to a submission from what was submitted, so that nothing is read back."""

from collections.abc import Container, Mapping
from datetime import datetime

from bureau.contracts.jobs.states import TaskState
from bureau.ledger.dispatch import workers
from bureau.ledger.jobs.submit import NewJob, NewTask
from bureau.ledger.reads.job_queries import INLINE_TASKS
from bureau.ledger.reads.job_views import counts_of, job_state, task_state
from bureau.ledger.submissions.submission import Accepted
from bureau.messaging.hint_room import QueueView
from bureau.services.gateway.models import Job, Task, Waiting


def accepted_job(
    job: NewJob, accepted: Accepted, queues: Mapping[str, QueueView], served: Container[tuple[str, str]]
) -> Job:
    """Returns the job as it is when it is accepted.

    `queues` holds, by name, what was last seen of them; `served` the pairs of queue and task of live workers.
    """
    due_at = job.due_at(accepted.at)
    due_in = (due_at - accepted.at).total_seconds()
    hinted = {task.name for task in accepted.stamped}
    states = [_state(task, due_in) for task in job.tasks]
    counts = counts_of(states)
    tasks = [
        _task(task, state, due_at, accepted.at if task.name in hinted else None)
        for task, state in zip(job.tasks[:INLINE_TASKS], states, strict=False)
    ]
    return Job(
        id=job.id,
        kind=job.kind,
        title=job.title,
        tags=list(job.tags),
        state=job_state("open", counts, started=False),
        priority=job.priority,
        created_at=accepted.at,
        started_at=None,
        finished_at=None,
        counts=counts,
        error=None,
        run_at=None if job.due_at_once else due_at,
        cancel_requested_at=None,
        progress=None,
        waiting=_waiting(job, due_in, queues, served, hinted=bool(hinted)),
        tasks=tasks,
        artifacts=[],
    )


def _state(task: NewTask, due_in: float) -> str:
    state = TaskState.WAITING if task.after else TaskState.READY
    return task_state(state, due_in_seconds=due_in, claim_no=0)


def _task(task: NewTask, state: str, due_at: datetime, hinted_at: datetime | None) -> Task:
    return Task(
        name=task.name,
        run=task.run,
        queue=task.queue,
        state=state,
        input=task.input,
        after=list(task.after),
        attempt=0,
        max_attempts=task.retry.max_attempts,
        attempt_number=0,
        due_at=None if task.after else due_at,
        worker=None,
        hinted_at=hinted_at,
        started_at=None,
        finished_at=None,
        progress=None,
        meta=None,
        attempts=[],
        logs=[],
        result=None,
        error=None,
        mail=[],
    )


def _waiting(
    job: NewJob, due_in: float, queues: Mapping[str, QueueView], served: Container[tuple[str, str]], *, hinted: bool
) -> Waiting:
    """Returns why the job waits.

    The position in the queue is known only if the hint was published at once; it is an estimate from what was last
    seen. If other tasks wait in the ledger, GET returns the position.
    """
    if due_in > 0:
        return Waiting(reason="not_due", position=None, starts_in_seconds=round(due_in, 1))
    first = next(task for task in job.tasks if not task.after)
    queue = queues[first.queue]
    if queue.paused:
        return Waiting(reason="queue_paused", position=None, starts_in_seconds=None)
    if queue.served is None or (first.queue, first.run) not in served:
        return Waiting(reason="no_worker", position=None, starts_in_seconds=None)
    if not hinted or queue.ahead is None:
        return Waiting(reason="behind", position=None, starts_in_seconds=None)
    pace = queue.served.claimed / workers.PACE_SECONDS
    ahead = max(queue.ahead - 1, 0)  # this one is counted
    seconds = round(ahead / pace, 1) if pace else None
    return Waiting(reason="behind", position=ahead + 1, starts_in_seconds=seconds)
