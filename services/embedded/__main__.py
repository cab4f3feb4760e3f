"""Runs all services in one process until Ctrl-C: `bureau run`, which is `python -m bureau.services.embedded`."""

import logging
import os
import sys
from typing import NoReturn

from bureau.process import malloc
from bureau.process.gc_pause import collector_paused
from bureau.process.stop_signals import StopSignals
from bureau.services.embedded.demo_shop import DemoShop


def main() -> int:
    """Runs the process until a signal stops it, and returns the exit status; a second signal ends it at once."""
    stop_signals = StopSignals()
    malloc.limit_arenas()
    shop = DemoShop()
    with collector_paused():  # imported here, because the demo shop is created meanwhile
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
    stop_signals.wait()
    bureau.stop()
    return 0


def _exit_now(status: int) -> NoReturn:
    """Exits at once, because everything is stopped and written by now.

    Python would collect garbage first, while threads of native libraries run; that took seconds, once more than
    fifteen.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    _exit_now(main())
