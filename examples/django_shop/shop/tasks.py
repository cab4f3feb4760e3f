"""Holds the shop's tasks."""

import asyncio

from shop.models import Order
from shop.task import task

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
    return up_to


@task()
async def remind(customer: str) -> str:
    """Waits a moment and greets."""
    await asyncio.sleep(0.01)
    return f"Hello {customer}"


@task()
def fail(reason: str) -> None:
    """Raises an error."""
    raise LookupError(reason)
