"""Builds the task graph of a report: generate it, deliver it to each recipient, and send a notice if that fails."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bureau.contracts.catalog import RetryPolicy
from bureau.contracts.jobs.jobs import Terms
from bureau.contracts.jobs.states import When
from bureau.contracts.reports import CsvFormat, Empty
from bureau.ledger.jobs.submit import NewTask
from bureau.submission.announcements import CatalogSnapshot
from bureau.submission.terms import TaskPolicy, overridden, policy_of

GENERATE = "reports.generate"
BURST = "reports.burst"
DELIVER = "reports.deliver"
TELL = "reports.tell"
_STANDARD = TaskPolicy("reports", RetryPolicy(), 1800.0)


@dataclass(frozen=True)
class ReportPlan:
    """Describes a report; `burst` is a parameter and its values, with one file for each."""

    report: str
    params: dict[str, Any]
    format: CsvFormat
    burst: tuple[str, list[Any]] | None


@dataclass(frozen=True)
class ReportDelivery:
    """Describes the delivery.

    `to` holds the recipients of each file, in the order of the files. `title` is the request's own.
    """

    to: Sequence[Sequence[str]]
    subject: str | None
    title: str | None
    empty: Empty | None
    failure_to: Sequence[str]


def report_tasks(
    wanted: ReportPlan, delivery: ReportDelivery, title: str, terms: Terms, known: CatalogSnapshot
) -> list[NewTask]:
    """Returns `generate`, `mail` or `mail-1`, `mail-2` …, and `tell`, which is skipped if nothing failed."""
    mails = [
        _mail(number, people, delivery, burst=wanted.burst is not None, terms=terms, known=known)
        for number, people in enumerate(delivery.to)
        if people
    ]
    tell = []
    if delivery.failure_to:
        news = {"report": wanted.report, "title": title, "to": list(delivery.failure_to)}
        after = ("generate", *(mail.name for mail in mails))
        tell = [_task("tell", TELL, news, terms, known, after=after, when=When.FAILED, optional=True)]
    return [_generate(wanted, terms, known), *mails, *tell]


def _generate(wanted: ReportPlan, terms: Terms, known: CatalogSnapshot) -> NewTask:
    # Format options that were not requested keep the report's own values.
    given = {
        "report": wanted.report,
        "params": wanted.params,
        "format": wanted.format.model_dump(mode="json", exclude_unset=True),
    }
    if wanted.burst is None:
        return _task("generate", GENERATE, given, terms, known)
    parameter, values = wanted.burst
    return _task("generate", BURST, {**given, "parameter": parameter, "values": values}, terms, known)


def _mail(
    number: int, people: Sequence[str], delivery: ReportDelivery, *, burst: bool, terms: Terms, known: CatalogSnapshot
) -> NewTask:
    place = f"/generate/files/{number}" if burst else "/generate"
    given: dict[str, Any] = {"generated": {"$result": place}, "to": list(people)}
    asked = {"subject": delivery.subject, "title": delivery.title, "empty": delivery.empty}
    given |= {name: value for name, value in asked.items() if value is not None}
    return _task(f"mail-{number + 1}" if burst else "mail", DELIVER, given, terms, known, after=("generate",))


def _task(
    name: str,
    run: str,
    given: dict[str, Any],
    terms: Terms,
    known: CatalogSnapshot,
    *,
    after: tuple[str, ...] = (),
    when: When = When.SUCCEEDED,
    optional: bool = False,
) -> NewTask:
    policy = overridden(policy_of(run, known, _STANDARD), terms)
    return NewTask(
        name,
        run,
        policy.queue,
        given,
        after=after,
        when=when,
        optional=optional,
        retry=policy.retry,
        time_limit_seconds=policy.time_limit_seconds,
    )
