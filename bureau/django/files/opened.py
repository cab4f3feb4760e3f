"""Opens the files among a task's arguments, in the worker."""

from contextlib import ExitStack
from typing import Any

from django.core.files.base import File

from bureau.contracts.artifacts import ArtifactRef
from bureau.django.files.uploads import MARK
from bureau.task import Context
from bureau.task_files import OpenArtifact


class TaskFile(File):
    """Is a file that was given to a task: Django's `File`, with the `content_type` and `sha256` of the upload.

    It is read from Bureau's storage as it is needed, and closed when the task's function has ended.
    """

    def __init__(self, found: OpenArtifact) -> None:
        super().__init__(found.file, name=found.name)
        self.size = found.size
        self.content_type = found.media_type
        self.sha256 = found.sha256


def opened(value: Any, ctx: Context, until: ExitStack) -> Any:
    """Returns the value with an open file in place of each reference. `until` closes them.

    Raises `PermanentError` (`artifact_not_found`) for a file of another owner's.
    """
    match value:
        case dict() if value.keys() == {MARK}:
            ref = ArtifactRef.model_validate(value[MARK])
            return TaskFile(until.enter_context(ctx.open(ref)))
        case dict():
            return {key: opened(item, ctx, until) for key, item in value.items()}
        case list():
            return [opened(item, ctx, until) for item in value]
    return value
