"""Defines an `async def` task: it waits for a slow HTTP API, as thousands of its kind do in one process."""

import asyncio
from collections.abc import AsyncIterator

import httpx

from bureau import Context, lifespan, task


@lifespan
async def shops() -> AsyncIterator[httpx.AsyncClient]:
    """Makes one client for the process; it belongs to the event loop."""
    async with httpx.AsyncClient(timeout=30) as client:
        yield client


@task("shop.prices", max_attempts=4, time_limit_seconds=120)
async def prices(ctx: Context, urls: list[str]) -> dict[str, int]:
    """Asks several shops at once, and writes what they answered to a file."""

    async def ask(url: str) -> int:
        answer = await shops.value.get(url)
        answer.raise_for_status()
        return int(answer.text)

    async with asyncio.TaskGroup() as group:
        asked = {url: group.create_task(ask(url)) for url in urls}
    found = {url: price.result() for url, price in asked.items()}
    async with ctx.artifact("prices.csv", "text/csv") as file:
        for url, price in found.items():
            await file.write(f"{url},{price}\n".encode())
    ctx.log(f"{len(found)} prices")
    return found
