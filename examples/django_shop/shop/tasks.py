"""Holds the shop's tasks."""

import asyncio
import csv
import io

from django.core.files import File
from django.db.models import QuerySet
from shop.models import Order
from shop.task import task

from bureau.django.reports.queryset_report import queryset_report
from bureau.django.tasks_api import TaskContext


@task()
def receipt(number: int) -> str:
    """Writes the receipt of an order."""
    order = Order.objects.get(pk=number)
    order.receipt = f"{order.customer} paid {order.total}."
    order.save(update_fields=["receipt"])
    return order.receipt


@task(takes_context=True, queue_name="slow")
def count(context: TaskContext, up_to: int) -> int:
    """Counts, and says how far it is."""
    for number in range(up_to):
        context.bureau.progress(number + 1, up_to)
        context.bureau.meta({"last": number})
    return up_to


@task(takes_context=True)
def invoice(context: TaskContext, number: int) -> None:
    """Writes the invoice of an order into a file of the job."""
    order = Order.objects.get(pk=number)
    with context.bureau.artifact(f"invoice-{number}.txt", "text/plain") as file:
        file.write(f"{order.customer} owes {order.total}.\n".encode())


@queryset_report("Orders", columns={"total": {"label": "Total (€)", "format": "0.00"}})
def orders_report(least: int) -> QuerySet[Order]:
    """Lists the orders of at least so much."""
    return Order.objects.filter(total__gte=least).order_by("pk").values_list("customer", "total")


@task()
def import_orders(orders: File) -> int:
    """Reads orders from a CSV file that somebody uploaded."""
    rows = csv.DictReader(io.TextIOWrapper(orders, "utf-8", newline=""))
    return len(Order.objects.bulk_create([Order(customer=row["customer"], total=row["total"]) for row in rows]))


@task()
def describe(parts: list[dict[str, File]]) -> list[object]:
    """Says what it knows of a file."""
    file = parts[0]["file"]
    return [file.name, file.content_type, file.size, file.sha256]


@task()
async def remind(customer: str) -> str:
    """Waits a moment and greets."""
    await asyncio.sleep(0.01)
    return f"Hello {customer}"


@task()
def fail(reason: str) -> None:
    """Raises an error."""
    raise LookupError(reason)
