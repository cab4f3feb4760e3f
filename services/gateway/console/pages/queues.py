"""Pauses, resumes and purges a queue; a purge shows its count first."""

from typing import Any

from flask import Response

from bureau.ledger.access.keys import Role
from bureau.services.gateway.console.api_calls import ApiCalls
from bureau.services.gateway.console.frame import DONE, Frame, go, refused_page
from bureau.services.gateway.http.operation import Call, Nothing, Operation
from bureau.services.gateway.problems import problem


def operations(frame: Frame, acting: ApiCalls) -> list[Operation[Any, Any]]:
    def switch(verb: str, done: str) -> Operation[Any, Any]:
        def act(call: Call[Any, Any]) -> Response:
            acting.perform(f"{verb}-queue", call)
            return go("/", done=done)

        path = f"/queues/<name>/{verb}"
        return frame.post(f"{verb}-queue", path, act, f"{verb.title()} the queue", role=Role.OPERATE)

    def ask(call: Call[Nothing, Nothing]) -> Response:
        return asked(call)

    def asked(call: Call[Any, Any], before: str | None = None) -> Response:
        counted: Any = acting.perform("purge-queue", call, {"dry_run": True})
        status = 409 if before is not None else 200
        return frame.page(
            "purge.html", call, status=status, queue=call.path["name"], counted=counted.count, before=before
        )

    def purge(call: Call[Any, Any]) -> Response:
        expected = call.body.get("expect") or ""
        if not (expected.isascii() and expected.isdecimal() and len(expected) < 10):
            raise problem("invalid", "`expect` must be the number of tasks to cancel.")
        counted: Any = acting.perform("purge-queue", call, {"dry_run": True})
        if counted.count != int(expected):
            return asked(call, before=expected)
        done: Any = acting.perform("purge-queue", call, {"expect": int(expected)})
        return go("/", done="queue-purged", n=done.changed)

    return [
        switch("pause", "queue-paused"),
        switch("resume", "queue-resumed"),
        frame.get("ask-purge", "/queues/<name>/purge", ask, "A page that counts before it purges", role=Role.OPERATE),
        frame.post(
            "purge-queue",
            "/queues/<name>/purge",
            purge,
            "Cancel what has not started",
            role=Role.OPERATE,
            answers=[DONE, refused_page(409, "Another number waits now: the page asks again.")],
        ),
    ]
