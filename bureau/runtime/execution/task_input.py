"""Turns the input of a claimed task into the types of its function."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ValidationError

from bureau.contracts.jobs.graph import references, resolve
from bureau.ledger.db.asking import asking_ledger
from bureau.ledger.db.database import Database
from bureau.ledger.jobs.claim import Claim, results
from bureau.runtime.execution.task_outcomes import input_error
from bureau.task import Task


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
        raise input_error(error, claimed) from None


def _resolved(db: Database, claimed: Claim, known: Mapping[str, Any]) -> dict[str, Any]:
    if known.keys() >= set(claimed.after):
        found: dict[str, Any] = json.loads(json.dumps(dict(known)))  # as it is read
    else:
        with asking_ledger():
            found = results(db, claimed.job_id, claimed.after)
    found |= {name.rpartition(":")[2]: result for name, result in found.items()}  # the names an added task uses
    resolved: dict[str, Any] = resolve(claimed.input, found)
    return resolved
