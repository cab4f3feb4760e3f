"""Makes a task of a function that returns a queryset: the task writes the rows to a CSV file of the job.

@queryset_report("Orders", columns={"total": {"label": "Total (€)", "format": "0.00"}})
def orders(since: str):
    return Order.objects.filter(ordered_at__gte=since).values_list("customer", "total")

orders.enqueue("2026-01-01", email_to=["cfo@example.com"])
"""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bureau.django.tasks_api import declare_task

Columns = Mapping[str, Mapping[str, str]]


def queryset_report(
    title: str, *, columns: Columns | None = None, format: Mapping[str, Any] | None = None, **terms: Any
) -> Callable[[Callable[..., Any]], Any]:
    """Returns a decorator that makes a task of Django's. `terms` are for `@task`, such as `queue_name`.

    `columns` has a label and a format for some of the queryset's names, and `format` says how the file is written: both
    as in the header of a report's SQL. The task takes the function's arguments, and `email_to`: who gets the file.
    Its result describes the file.
    """

    def declare(function: Callable[..., Any]) -> Any:
        @functools.wraps(function)
        def write(context: Any, *args: Any, email_to: Sequence[str] = (), **kwargs: Any) -> dict[str, Any]:
            # Here, because a web process has no use for what a worker stands on, and need not have it installed.
            from bureau.django.reports.file import ReportFile

            file = ReportFile(title, function.__name__, columns or {}, format or {})
            params = inspect.signature(function).bind(*args, **kwargs).arguments
            generated = file.write(context.bureau, function(*args, **kwargs), params)
            if email_to:
                context.bureau.add("mail", "reports.deliver", {"generated": generated, "to": list(email_to)})
            return generated

        own = inspect.signature(function)
        first = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        vars(write)["__signature__"] = own.replace(parameters=[first, *own.parameters.values()])  # Django looks for it
        return declare_task(takes_context=True, **terms)(write)

    return declare
