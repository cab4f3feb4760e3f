"""Serves GET /v1/catalog/…: what the running services have announced."""

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel, Field

from bureau.contracts.catalog import ReportDescription, TaskDescription, TemplateDescription
from bureau.ledger.access.keys import Role
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.operation import Call, Documented, Nothing, Operation, Reply
from bureau.services.gateway.http.pagination import PageQuery, page_of
from bureau.submission.announcements import CatalogSnapshot


class CatalogTask(TaskDescription):
    """Describes a task that can be submitted with POST /v1/jobs."""

    workers: int
    queues: list[str] = Field(description="The queues on which it was announced: `queue` of a submission may be one.")


class CatalogTaskList(BaseModel):
    """Lists a page of tasks, sorted by name."""

    items: list[CatalogTask]
    next_cursor: str | None


class ReportList(BaseModel):
    """Lists a page of reports, sorted by name."""

    items: list[ReportDescription]
    next_cursor: str | None


class TemplateList(BaseModel):
    """Lists a page of mail templates, sorted by name."""

    items: list[TemplateDescription]
    next_cursor: str | None


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    return [
        _listing(gateway, "tasks", "List the tasks, with the schemas of input and result", CatalogTaskList, _tasks),
        _listing(gateway, "reports", "List the reports, with the schema of their parameters", ReportList, _reports),
        _listing(gateway, "templates", "List the mail templates", TemplateList, _templates),
    ]


def _tasks(known: CatalogSnapshot) -> list[CatalogTask]:
    return [
        CatalogTask(
            **dict(task.description),
            workers=known.workers_by_task.get(name, 0),
            queues=list(known.queues_by_task.get(name, ())),
        )
        for name, task in sorted(known.tasks.items())
    ]


def _reports(known: CatalogSnapshot) -> list[ReportDescription]:
    return [report.description for _, report in sorted(known.reports.items())]


def _templates(known: CatalogSnapshot) -> list[TemplateDescription]:
    return [template for _, template in sorted(known.templates.items())]


def _listing(
    gateway: Gateway, what: str, summary: str, page: type[BaseModel], all_of: Callable[[CatalogSnapshot], Sequence[Any]]
) -> Operation[Any, Any]:
    def read(call: Call[Nothing, PageQuery]) -> Reply:
        items, following = page_of(all_of(gateway.announcements.known()), call.query, lambda item: (item.name,))
        return Reply(200, page(items=items, next_cursor=following))

    return Operation(
        name=f"list-catalog-{what}",
        method="GET",
        path=f"/v1/catalog/{what}",
        view=read,
        summary=summary,
        tag="Catalog",
        role=Role.VIEW,
        answers=[Documented(200, "A page.", page)],
        query=PageQuery,
    )
