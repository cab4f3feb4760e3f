"""Installs servers that tests need and a machine lacks, if that is allowed; otherwise names them."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")

_POLICY = Path("/usr/sbin/policy-rc.d")  # Debian asks it before a package starts its service; 101 forbids
_FORBID_START = "#!/bin/sh\nexit 101\n"


def installed(find: Callable[[], T | None], package: str, variable: str) -> T:
    """What `find` finds, after installing Debian's `package` if need be; else ends pytest saying what to do.

    The package's own service is neither started nor enabled: tests run private servers from its binaries.
    """
    if found := find():
        return found
    if shutil.which("apt-get") and (root := _as_root()) is not None:
        with _alone():
            if found := find():  # another process of the tests has installed it meanwhile
                return found
            # To stderr: of a process that pytest-xdist starts, the terminal shows nothing else.
            print(f"\nInstalling Debian's {package} for the tests (its service is not started) ...", file=sys.stderr)
            if _install(root, package) and (found := find()):
                return found
    pytest.exit(
        f"The tests need {package}, which is not installed and could not be: run "
        f"`sudo apt install {package}`, or set {variable} to a server the tests may use.",
        returncode=3,
    )


@contextmanager
def _alone() -> Iterator[None]:
    """One process of the tests at a time: apt refuses to run beside itself."""
    with (Path(tempfile.gettempdir()) / f"bureau-tests-{os.geteuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _as_root() -> list[str] | None:
    """How to run a command as root without asking anybody, or None."""
    if os.geteuid() == 0:
        return []
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        return ["sudo", "-n"]
    return None


def _install(root: list[str], package: str) -> bool:
    apt = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    ours = _forbid_starting(root)
    try:
        subprocess.run(
            [*apt, "update"], stdout=sys.stderr, check=False
        )  # lists of a fresh machine are empty, a mirror may be away
        done = subprocess.run(
            [*apt, "install", "-y", "--no-install-recommends", package], stdout=sys.stderr, check=False
        )
    finally:
        if ours:
            subprocess.run([*root, "rm", "-f", str(_POLICY)], check=False)
    if shutil.which("systemctl"):
        service = package.removesuffix(".service")
        subprocess.run([*root, "systemctl", "disable", service], check=False, capture_output=True)
    return done.returncode == 0


def _forbid_starting(root: list[str]) -> bool:
    """Puts a policy against starting services; False where the machine has one of its own."""
    if _POLICY.exists():
        return False
    subprocess.run([*root, "tee", str(_POLICY)], input=_FORBID_START, text=True, stdout=subprocess.DEVNULL, check=True)
    subprocess.run([*root, "chmod", "755", str(_POLICY)], check=True)
    return True
