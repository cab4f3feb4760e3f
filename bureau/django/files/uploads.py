"""Uploads the files among a task's arguments, and leaves references in their place."""

import io
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any

from django.core.files.base import File

from bureau.client import Artifact
from bureau.client.upload import FileSource

MARK = (
    "bureau_file"  # {"bureau_file": {"artifact": "<id>", "name": "a.csv"}}: a file, and no dictionary of the project's
)


def with_references(value: Any, upload: Callable[[FileSource], Artifact]) -> Any:
    """Returns the value with a reference in place of each file, at any depth. Raises as `upload` does.

    A file is one of Django's, such as an `UploadedFile` or the value of a FileField, or one that is stored already.
    """
    match value:
        case File():
            return _reference(upload(source_of(value)))
        case Artifact():
            return _reference(value)
        case Mapping():
            return {key: with_references(item, upload) for key, item in value.items()}
        case list() | tuple():
            return [with_references(item, upload) for item in value]
    return value


def source_of(file: Any) -> FileSource:
    """Returns a file of Django's as one to upload, from its beginning: streamed if it holds bytes."""
    file.open()  # a FileField's may be closed; one that is open is rewound
    name = PurePosixPath(str(file.name or "file")).name
    content: Any = file.file
    if isinstance(content, io.TextIOBase):
        content = content.read().encode()
    media_type = getattr(file, "content_type", None)
    return (name, content, media_type) if media_type else (name, content)


def _reference(artifact: Artifact) -> dict[str, Any]:
    return {MARK: {"artifact": artifact.id, "name": artifact.name}}
