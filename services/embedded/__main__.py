"""`python -m bureau.services.embedded`: everything in one process, until Ctrl-C."""

import logging
import os
import signal
import sys
import threading
from types import FrameType
from typing import NoReturn

from bureau.gc_pause import collector_paused
from bureau.services.embedded.demo_shop import DemoShop


def main() -> int:
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        if stopping.is_set():
            os._exit(1)  # asked twice: at once
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    shop = DemoShop()
    with collector_paused():  # here, because the demo shop is made meanwhile
        from bureau.observability import logs
        from bureau.services.embedded.process import AlreadyRunning, build
        from bureau.settings import PlatformSettings, SettingsError, load
    try:
        (platform,) = load(PlatformSettings)
        logs.configure(platform)
        with collector_paused():
            bureau = build(shop)
    except SettingsError as error:
        error.exit()
    except AlreadyRunning as other:
        print(f"Bureau is running already: {other}", file=sys.stderr)
        return 1
    bureau.start()
    print(f"Bureau is up: {bureau.url}  (Ctrl-C ends it)", flush=True)
    stopping.wait()
    bureau.stop()
    return 0


def _leave(status: int) -> NoReturn:
    """Ends at once: all is stopped and written by now.

    Python would collect its garbage first, under threads of native libraries: seconds, and once more than fifteen.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    _leave(main())
