"""Composes the console: every page, in the order of the navigation."""

from collections.abc import Sequence
from typing import Any

from bureau.services.gateway.console.api_calls import ApiCalls
from bureau.services.gateway.console.frame import Frame
from bureau.services.gateway.console.pages import (
    audit,
    bulk,
    job,
    jobs,
    keyboard,
    overview,
    problems,
    queues,
    reports,
    session,
    static_files,
    tasks,
    workers,
)
from bureau.services.gateway.console.pages.schedules import schedule_editor, schedule_list
from bureau.services.gateway.console.state.dependency_watch import Watch
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.operation import Operation


def operations(gateway: Gateway, api: Sequence[Operation[Any, Any]]) -> list[Operation[Any, Any]]:
    """Returns the console's operations. The forms of its pages call the operations in `api`."""
    frame, acting = Frame(gateway, Watch.of(gateway)), ApiCalls(gateway, api)
    return [
        *overview.operations(frame),
        *queues.operations(frame, acting),
        *bulk.operations(frame, acting),
        *jobs.operations(frame),
        *job.operations(frame, acting),
        *tasks.operations(frame),
        *workers.operations(frame),
        *schedule_list.operations(frame, acting),
        *schedule_editor.operations(frame, acting),
        *reports.operations(frame, acting),
        *audit.operations(frame),
        *keyboard.operations(frame),
        *session.operations(frame),
        *problems.operations(frame),
        static_files.operation(),
    ]
