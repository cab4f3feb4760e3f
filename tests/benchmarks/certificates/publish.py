"""Sends COUNT tasks to Celery's worker as soon as FILE exists: `python -m … COUNT FILE`."""

import sys
import time
from pathlib import Path

from tests.benchmarks.certificates.celery_tasks import app, issue


def main() -> None:
    count, begin = int(sys.argv[1]), Path(sys.argv[2])
    with app.producer_pool.acquire(block=True) as producer:
        producer.connection.ensure_connection()
        print("ready", flush=True)
        while not begin.exists():
            time.sleep(0.005)
        for _ in range(count):
            issue.apply_async(producer=producer)


if __name__ == "__main__":
    main()
