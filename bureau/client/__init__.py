"""Provides the Python client of Bureau's HTTP API. It needs only httpx, and no other part of Bureau.

    from bureau.client import Bureau

    bureau = Bureau()  # BUREAU_URL, BUREAU_KEY
    job = bureau.report("monthly-sales", since="2026-01-01", email_to="cfo@example.com")
    job.wait(60).artifact("monthly-sales*.csv").save("sales.csv")

`AsyncBureau` has the same methods for programs on asyncio: `job = await bureau.report(…)`.

Every submission carries its own idempotency key, so the client can repeat it until it is answered, and the job is
still submitted once.
"""

from bureau.client.aio.artifact import AsyncArtifact
from bureau.client.aio.bureau import AsyncBureau
from bureau.client.aio.job import AsyncJob
from bureau.client.artifact import Artifact
from bureau.client.bureau import Bureau
from bureau.client.errors import (
    BureauError,
    Damaged,
    FieldError,
    NoSuchArtifact,
    NoSuchTask,
    NotInTime,
    Problem,
    Unreachable,
)
from bureau.client.events import Event
from bureau.client.job import Job, JobFailed
from bureau.client.operations import Counted
from bureau.client.retrying import Patience

__all__ = [
    "Artifact",
    "AsyncArtifact",
    "AsyncBureau",
    "AsyncJob",
    "Bureau",
    "BureauError",
    "Counted",
    "Damaged",
    "Event",
    "FieldError",
    "Job",
    "JobFailed",
    "NoSuchArtifact",
    "NoSuchTask",
    "NotInTime",
    "Patience",
    "Problem",
    "Unreachable",
]
