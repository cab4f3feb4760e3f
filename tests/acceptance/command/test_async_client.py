"""The asynchronous client on a running Bureau: several jobs at once, followed, read and saved."""

import asyncio
from pathlib import Path

import pytest

from bureau.client import AsyncBureau, Problem
from tests.acceptance.command.conftest import ENDS_SECONDS
from tests.support.running.embedded import EmbeddedBureau

SUM = {"name": "add", "run": "shop.suma", "input": {"a": 2, "b": 2}}


def test_an_application_submits_follows_and_saves(plain: EmbeddedBureau, roster: Path, tmp_path: Path) -> None:
    async def application() -> None:
        async with AsyncBureau(plain.api.url) as bureau:
            sums = await asyncio.gather(*(bureau.task("shop.suma", a=n, b=2) for n in range(3)))
            issued, stored = await asyncio.gather(bureau.certificates(roster), bureau.upload(("a.txt", b"Hello")))
            assert [await (await job.wait(ENDS_SECONDS)).result() for job in sums] == [2, 3, 4]
            types = [event.type async for event in issued.follow()]
            assert types[-1] == "job.finished"
            await issued.refresh()
            files = await issued.artifacts()
            saved = await files[0].save(tmp_path)
            assert saved.stat().st_size == files[0].size
            assert await stored.read() == b"Hello"
            later = await bureau.task("shop.suma", a=2, b=2, delay_seconds=3600, tags=["async"])
            assert [job.id async for job in bureau.jobs(tag="async")] == [later.id]
            assert (await later.cancel()).state == "cancelled"
            await bureau.put_schedule("hourly", {"tasks": [SUM]}, every_seconds=3600, enabled=False)
            assert (await (await bureau.run_schedule("hourly")).wait(ENDS_SECONDS)).state == "succeeded"
            await bureau.delete_schedule("hourly")
            with pytest.raises(Problem, match="hourly"):
                await bureau.schedule("hourly")

    asyncio.run(application())
