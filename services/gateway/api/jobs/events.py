"""Serves /v1/jobs/{id}/events (all events of a job) and /v1/events (new events of all jobs) as they happen."""

from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from flask import Response, request
from pydantic import BaseModel, Field

from bureau.contracts.problems import FieldError
from bureau.ledger.access.keys import Role
from bureau.ledger.reads import event_history
from bureau.ledger.reads.event_history import Happened, Head
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.following.hub import Hub
from bureau.services.gateway.following.sources import JobEvents, OwnerEvents
from bureau.services.gateway.http.operation import Call, Documented, Nothing, Operation, Reply
from bureau.services.gateway.http.pagination import PageQuery, cursor_of, cut, read_cursor
from bureau.services.gateway.http.streaming import event_stream
from bureau.services.gateway.http.streaming.event_stream import MEDIA_TYPE, EventStream, Seats
from bureau.services.gateway.http.streaming.peer import Peer
from bureau.services.gateway.problems import invalid, not_found
from bureau.signing.signed_links import Linked

JSON = "application/json"
LAST = "Last-Event-ID"
_NUMBERS = 2**31  # the range of the ledger's column


class EventModel(BaseModel):
    """Describes an event of a job."""

    id: int = Field(
        description="The number of the event in its job: it grows by one with each event, in the order of commits."
    )
    type: str = Field(
        examples=[
            "task.started",
            "task.progressed",
            "task.logged",
            "task.retrying",
            "task.succeeded",
            "task.failed",
            "task.cancelled",
            "job.finished",
        ]
    )
    at: datetime
    job: UUID
    task: str | None = Field(description="The task's name; null for an event of the job itself.")
    data: dict[str, Any]


class EventList(BaseModel):
    """Lists a page of a job's events, oldest first."""

    items: list[EventModel]
    next_cursor: str | None


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    streams = Streams(gateway)
    return [_of_job(gateway, streams), _of_owner(streams)]


class Streams:
    """Opens the event streams of this process; holds their hub, their seats and their limits."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._seats = Seats(gateway.settings.stream_limit)
        self._hub = Hub(gateway.database, gateway.stopping)

    def of_job(self, job_id: UUID, after: int, head: Head) -> Response:
        gateway = self._gateway
        source = partial(JobEvents, gateway.database, self._hub, gateway.stopping, job_id, after=after, head=head)
        return event_stream.respond(lambda peer: self._stream(source, _numbered, peer))

    def of_owner(self, owner: str) -> Response:
        """Streams an owner's events. They have no SSE id, because a stream of an owner cannot be resumed by one."""
        return event_stream.respond(lambda peer: self._stream(partial(OwnerEvents, self._hub, owner), _plain, peer))

    def _stream(self, open_source: Any, message: Any, peer: Peer) -> EventStream[Happened]:
        seconds = self._gateway.settings.max_stream_seconds
        return EventStream(self._seats, open_source, message, peer, seconds=seconds, stopping=self._gateway.stopping)


def _of_job(gateway: Gateway, streams: Streams) -> Operation[Any, Any]:
    def read(call: Call[Nothing, PageQuery]) -> Reply | Response:
        job_id: UUID = call.path["job_id"]
        head = event_history.head(gateway.database, job_id, call.owner)
        if head is None:
            raise not_found("job", job_id)
        if request.accept_mimetypes.best_match([MEDIA_TYPE, JSON]) == JSON:
            return _page(gateway, job_id, call.query)
        _refuse_page(call.query)
        after = _last_event_id(call, head)
        if head.ended and not event_history.events_of(gateway.database, job_id, after=after, limit=1):
            return Reply(204, None)
        return streams.of_job(job_id, after, head)

    return Operation(
        name="follow-job",
        method="GET",
        path="/v1/jobs/<uuid:job_id>/events",
        view=read,
        summary="Follow a job: its events as a stream or as a list",
        tag="Follow",
        role=Role.VIEW,
        linked=Linked.JOB,
        answers=[
            Documented(
                200,
                f"Server-sent events; with `Accept: {JSON}` a page of the events so far.",
                EventList,
                {"Cache-Control": "`no-store`, for a stream."},
                media_types=(MEDIA_TYPE,),
            ),
            Documented(204, "The job has ended and there are no more events; do not connect again."),
        ],
        problems=["too-many-streams"],
        query=PageQuery,
        request_headers={
            "Accept": f"`{JSON}` for a page, otherwise a stream.",
            LAST: "The `id` of the last event received; the stream continues after it.",
        },
    )


def _of_owner(streams: Streams) -> Operation[Any, Any]:
    def read(call: Call[Nothing, Nothing]) -> Response:
        return streams.of_owner(call.owner)

    return Operation(
        name="follow-jobs",
        method="GET",
        path="/v1/events",
        view=read,
        summary="Follow all your jobs: a stream of their events from now on",
        tag="Follow",
        role=Role.VIEW,
        answers=[
            Documented(200, "Server-sent events.", headers={"Cache-Control": "`no-store`."}, media_types=(MEDIA_TYPE,))
        ],
        problems=["too-many-streams"],
        query=Nothing,
    )


def _page(gateway: Gateway, job_id: UUID, query: PageQuery) -> Reply:
    after = read_cursor(query.cursor, _number) if query.cursor is not None else 0
    found = event_history.events_of(gateway.database, job_id, after=after, limit=query.limit + 1)
    shown, following = cut(found, query.limit, lambda event: cursor_of(event.seq))
    return Reply(200, EventList(items=[_event(event) for event in shown], next_cursor=following))


def _refuse_page(query: PageQuery) -> None:
    given = sorted(query.model_fields_set)
    if given:
        detail = f"A stream has no pages: leave this parameter out, or request the list with Accept: {JSON}."
        raise invalid([FieldError("unknown_field", detail, parameter=name) for name in given])


def _last_event_id(call: Call[Any, Any], head: Head) -> int:
    """Returns the number in Last-Event-ID, or 0 without the header.

    Raises a 422 problem for a number that no event of this job has had.
    """
    text = call.headers.get(LAST, "").strip()
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) <= 10):
        raise invalid([FieldError("wrong_form", "Send the number of an event, as in its `id:` line.", header=LAST)])
    if int(text) > head.seq:
        detail = f"The job's last event is {head.seq}. Leave the header out to get all events."
        raise invalid([FieldError("out_of_range", detail, header=LAST)])
    return int(text)


def _number(key: list[Any]) -> int:
    (number,) = key
    if type(number) is not int or not 0 <= number < _NUMBERS:
        raise ValueError("not an event's number")
    return number


def _event(happened: Happened) -> EventModel:
    return EventModel(
        id=happened.seq,
        type=happened.type,
        at=happened.at,
        job=happened.job_id,
        task=happened.task,
        data=happened.data,
    )


def _numbered(happened: Happened) -> bytes:
    return event_stream.message(_event(happened).model_dump_json(), happened.seq)


def _plain(happened: Happened) -> bytes:
    return event_stream.message(_event(happened).model_dump_json())
