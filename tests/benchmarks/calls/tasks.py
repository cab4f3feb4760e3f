"""Defines the tasks that are measured: one calls the slow API, one sleeps."""

import os
from collections.abc import AsyncIterator

import httpx

from bureau import Context, lifespan, task
from bureau.services.certificates.api.network import NetworkTransport

FILES = {"files": ("roster.csv", b"recipient\nAda\n", "text/csv")}


@lifespan
async def api() -> AsyncIterator[httpx.AsyncClient]:
    """Makes the process's client, as the certificates service has it."""
    transport = NetworkTransport(idle_seconds=30.0)
    async with httpx.AsyncClient(transport=transport, base_url=os.environ["BENCH_API"], timeout=120.0) as client:
        yield client


@task("calls.post")
async def post(ctx: Context) -> int:
    """Posts a roster and keeps the archive as a file."""
    answer = await api.value.post("/", files=FILES)
    answer.raise_for_status()
    async with ctx.artifact("archive.zip", "application/zip") as file:
        await file.write(answer.content)
    return len(answer.content)


@task("calls.sleep", time_limit_seconds=3600)
async def sleep(ctx: Context, seconds: float) -> None:
    """Sleeps."""
    await ctx.sleep(seconds)
