"""Defines two maintenance tasks: an hourly check of a disk and a nightly clean-up of a folder.

`schedules.yaml` says when they run.
"""

import shutil
import time
from pathlib import Path, PurePath

from bureau import Context, task
from bureau.contracts.errors import PermanentError, TransientError

DAY_SECONDS = 24 * 3600.0


@task("upkeep.free_space", max_attempts=1, time_limit_seconds=60)
def free_space(ctx: Context, folder: str, least_percent: float = 10.0) -> dict[str, float]:
    """Returns how much of a folder's disk is free. Fails if that is less than `least_percent`."""
    try:
        disk = shutil.disk_usage(folder)
    except OSError as error:
        raise PermanentError("no_such_folder", f"{folder} cannot be looked at: {error.strerror}.") from error
    percent = 100.0 * disk.free / disk.total
    ctx.log(f"{percent:.1f} % of the disk under {folder} is free")
    if percent < least_percent:
        raise PermanentError(
            "disk_full",
            f"Only {percent:.1f} % of the disk under {folder} is free; at least {least_percent:g} % should be.",
        )
    return {"free_percent": round(percent, 1), "free_bytes": disk.free}


@task("upkeep.clean_up", max_attempts=3, time_limit_seconds=600)
def clean_up(ctx: Context, folder: str, pattern: str, older_than_days: float) -> int:
    """Deletes the old files that match in a folder below this process's own, and returns how many."""
    if PurePath(folder).is_absolute() or ".." in PurePath(folder).parts or "/" in pattern:
        raise PermanentError("outside", "Name a folder below the worker's own, and a pattern for file names alone.")
    old = [path for path in sorted(Path(folder).glob(pattern)) if path.is_file() and _age_days(path) > older_than_days]
    for number, path in enumerate(old, start=1):
        try:
            path.unlink(missing_ok=True)  # an earlier run may have been killed just here
        except OSError as error:
            raise TransientError("not_deleted", f"{path} cannot be deleted: {error.strerror}.") from error
        ctx.progress(number, len(old), "files")
    ctx.log(f"{len(old)} files of {folder} deleted")
    return len(old)


def _age_days(path: Path) -> float:
    return (time.time() - path.stat().st_mtime) / DAY_SECONDS
