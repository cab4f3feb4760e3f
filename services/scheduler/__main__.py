"""`python -m services.scheduler`"""

import signal
import sys
import threading

from bureau import logs
from bureau.boot import wait_for_ledger
from bureau.broker import make_broker
from bureau.ledger.database import Database
from bureau.relay import Relay
from bureau.settings import PlatformSettings, SettingsError, load
from bureau.storage import Storage
from services.scheduler.scheduler import DUE_SECONDS, Scheduler


def main() -> int:
    try:
        (settings,) = load(PlatformSettings)
        settings.refuse_memory_broker("the scheduler")
    except SettingsError as error:
        error.exit()
    logs.configure(settings)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(1) if stopping.is_set() else stopping.set())
    db = Database(settings.database_url.get_secret_value())
    wait_for_ledger(db)
    broker = make_broker(settings.broker_url.get_secret_value(), [])
    relay = Relay(db, broker, look_seconds=DUE_SECONDS)
    scheduler = Scheduler(db, Storage.from_url(settings.storage_url.get_secret_value()), broker, relay)
    scheduler.start()
    stopping.wait()
    scheduler.stop()
    db.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
