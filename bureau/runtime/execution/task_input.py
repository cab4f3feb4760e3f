"""Turns the input of a claimed task into the types of its function."""

import json
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ValidationError

from bureau.contracts.jobs.graph import references, resolve
from bureau.ledger.db.asking import asking_ledger
from bureau.ledger.db.database import Database
from bureau.ledger.jobs.claim import Claim, inputs_were_checked, results
from bureau.runtime.execution.task_outcomes import input_error
from bureau.task import Task
from bureau.threads import in_thread


def needs_results(claimed: Claim) -> bool:
    """Returns whether the input holds results of other tasks, which `parsed_input` reads from the ledger."""
    return bool(claimed.after) and bool(references(claimed.input))


def parsed_input(
    db: Database, claimed: Claim, task: Task[Any, Any], known: Mapping[str, Any] = MappingProxyType({})
) -> BaseModel:
    """Returns the input in the function's types. Raises `TaskError` for one that does not fit.

    `known` are results of other tasks of the job that this process has just written, by name: if they are all that the
    task may name, they are not read.
    """
    try:
        return task.parse(_resolved(db, claimed, known) if needs_results(claimed) else claimed.input)
    except ValidationError as error:  # only the input's: one that the function raises is a failure of the task
        with asking_ledger():
            checked = inputs_were_checked(db, claimed.job_id)
        raise input_error(error, claimed, checked=checked) from None


async def parsed_on_loop(db: Database, claimed: Claim, task: Task[Any, Any]) -> BaseModel:
    """Does the same on the event loop; a thread asks the ledger, if that is needed."""
    if not needs_results(claimed):
        with suppress(ValidationError):  # the thread finds it again, and what follows from it
            return task.parse(claimed.input)
    return await in_thread(parsed_input, db, claimed, task)


def _resolved(db: Database, claimed: Claim, known: Mapping[str, Any]) -> dict[str, Any]:
    if known.keys() >= set(claimed.after):
        found: dict[str, Any] = json.loads(json.dumps(dict(known)))  # as it is read
    else:
        with asking_ledger():
            found = results(db, claimed.job_id, claimed.after)
    found |= {name.rpartition(":")[2]: result for name, result in found.items()}  # the names an added task uses
    resolved: dict[str, Any] = resolve(claimed.input, found)
    return resolved
