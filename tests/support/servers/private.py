"""Creates a folder for a private server, owned by the user it must run as."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path


class PrivateFolder:
    """Creates a new folder that the server's `user` owns.

    `user` is `wanted` when root runs the tests (these servers refuse root or expect their own user); otherwise it is
    None, for the user who runs the tests.
    """

    def __init__(self, name: str, wanted: str) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=f"bureau-{name}-"))
        self.user = wanted if os.geteuid() == 0 and _exists(wanted) else None
        self.own(self.path)

    def own(self, path: Path) -> None:
        if self.user:
            shutil.chown(path, self.user)

    def file(self, name: str, text: str, mode: int = 0o600) -> Path:
        path = self.path / name
        path.write_text(text)
        path.chmod(mode)
        self.own(path)
        return path

    def run(self, command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> str:
        """Runs a command as the server's user, in the folder; its stdout. RuntimeError with its output if it fails."""
        done = subprocess.run(
            [str(part) for part in command],
            cwd=self.path,
            env={**os.environ, **(env or {})},
            user=self.user,
            group=self.user,
            extra_groups=[] if self.user else None,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed with status {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
