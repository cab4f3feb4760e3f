"""Defines the settings that only the embedded process has."""

from pathlib import Path

from pydantic import Field

from bureau.settings import OwnTasks


class EmbeddedSettings(OwnTasks):
    """Holds the settings that only the embedded process has."""

    tasks: str = Field(default="", description="Modules with `@task` functions, separated by commas or spaces.")
    threads: int = Field(default=16, ge=1, le=500, description="The number of concurrent tasks of each service.")
    lock_file: Path = Field(
        default=Path("var/bureau.lock"), description="The lock file that prevents a second process from starting."
    )
