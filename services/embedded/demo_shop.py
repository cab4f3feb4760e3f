"""Creates the demo shop at `var/demo.db`, which reports read if no other source of that name is set.

It imports little, so that the command can begin with the shop before it imports everything else.
"""

import os
import subprocess
import sys
from pathlib import Path

from bureau.services.reports.demo import NotTheShop, is_made

DEMO_DATABASE = Path("var/demo.db")


class DemoShop:
    """Sets SOURCE_DEMO_URL if it is not set, and begins to create the database behind it if it does not exist.

    A separate process creates it meanwhile, because that keeps a core busy for half a second, as long as the rest of a
    start. A kill -9 in between does no harm, because the file appears only when it is complete.
    """

    def __init__(self) -> None:
        self._error = ""
        self._maker: subprocess.Popen[str] | None = None
        if not os.environ.keys().isdisjoint(("SOURCE_DEMO_URL", "SOURCE_DEMO_URL_FILE")):
            return
        os.environ["SOURCE_DEMO_URL"] = f"sqlite:///{DEMO_DATABASE}"
        try:
            if not is_made(DEMO_DATABASE):
                self._maker = _maker()
        except (NotTheShop, OSError) as error:
            self._error = str(error)

    def wait(self) -> None:
        """Waits until the database is complete. Raises `SettingsError` if it cannot be created."""
        from bureau.settings import SettingsError  # imported here, because it imports most of the library

        if self._maker:
            _, stderr = self._maker.communicate()
            self._error = stderr.strip() if self._maker.returncode else ""
        if self._error:
            raise SettingsError([f"the demo shop cannot be created at {DEMO_DATABASE}: {self._error}"])


def _maker() -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603 - no part of it comes from outside
        [sys.executable, "-m", "bureau.services.reports.demo", str(DEMO_DATABASE)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
