"""A worker to be killed: `python -m tests.integration.mailer.sender TASK_ID` runs one task of the queue `mailer`."""

import os
import sys
from uuid import UUID

from bureau.ledger.db.database import Database
from bureau.runtime.heartbeat import Heartbeat
from bureau.runtime.runner import Runner
from bureau.service import Resources
from bureau.services.mailer.service import mailer_service
from bureau.storage import Storage


class _NoRelay:
    def wake(self) -> None:
        """Nobody is hinted."""


def main(task_id: UUID) -> None:
    db, storage = Database(os.environ["DATABASE_URL"]), Storage.from_url(os.environ["STORAGE_URL"])
    tasks = {task.name: task for task in mailer_service(Resources(db, storage)).tasks}
    heartbeat = Heartbeat(db, grace_seconds=5)
    Runner("mailer", "doomed", tasks, db=db, storage=storage, heartbeat=heartbeat, relay=_NoRelay(), threads=1).execute(
        "mailer.send", task_id
    )


if __name__ == "__main__":
    main(UUID(sys.argv[1]))
