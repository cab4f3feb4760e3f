"""Does the same work as a Celery task, as its users write it: posts a roster and keeps the ZIP under its own name."""

import os
from pathlib import Path
from uuid import uuid4

import httpx
from celery import Celery

app = Celery("bench", broker=os.environ["BENCH_BROKER_URL"])
app.conf.update(
    task_acks_late=True, worker_prefetch_multiplier=1, task_ignore_result=True, worker_hijack_root_logger=False
)

# One client, for the sake of its TLS context, without kept connections: httpx looks through the idle ones at each
# request.
client = httpx.Client(timeout=120.0, limits=httpx.Limits(max_connections=None, max_keepalive_connections=0))


@app.task(name="bench.issue")  # type: ignore[untyped-decorator] # celery ships no types
def issue() -> None:
    answer = client.post(os.environ["BENCH_API"], files=[("files", ("roster.csv", b"recipient\nAda\n", "text/csv"))])
    answer.raise_for_status()
    Path(os.environ["BENCH_FOLDER"], f"{uuid4()}.zip").write_bytes(answer.content)
