"""`make bench-celery` runs this: two bars of Celery's names over Bureau."""

import sys
import tempfile
from pathlib import Path

from tests.benchmarks.celery_names import jobs, views
from tests.support.running.embedded import EmbeddedBureau
from tests.support.servers.postgres import PostgreSQL
from tests.support.servers.rabbitmq import RabbitMQ

BAR_RATIO, BAR_ADDED = 1.5, 0.10
TASKS = "tests.benchmarks.celery_names.tasks"


def main() -> int:
    env = {"TASKS": f"{TASKS} bureau.celery.worker", "BUREAU_CELERY_APP": TASKS}
    with tempfile.TemporaryDirectory() as folder, EmbeddedBureau(Path(folder), env=env) as bureau:
        bureau.start()
        added = jobs.run(bureau)
        with PostgreSQL() as postgres, RabbitMQ() as rabbitmq:
            ratio = views.run(postgres.fresh_database(), rabbitmq.vhosts.fresh(), bureau.api.url)
    print(f"delay() at most {BAR_RATIO} x Celery's: {ratio:.2f} x, {'holds' if ratio <= BAR_RATIO else 'MISSED'}")
    print(f"a job at most {BAR_ADDED:.0%} more CPU: {added:+.1%}, {'holds' if added <= BAR_ADDED else 'MISSED'}")
    return 0 if ratio <= BAR_RATIO and added <= BAR_ADDED else 1


if __name__ == "__main__":
    sys.exit(main())
