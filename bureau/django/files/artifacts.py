"""Saves a job's file in a FileField, streamed, and so that it can be repeated."""

import hashlib
import tempfile
from pathlib import PurePosixPath

from django.core.files.base import File
from django.db.models.fields.files import FieldFile

from bureau.client import Artifact
from bureau.client.artifact import plain_name
from bureau.django.gateway import tasks_client
from bureau.django.tasks_api import TaskResult

PIECE_BYTES = 256 * 1024


def save_artifact(field: FieldFile, job: TaskResult | str, name: str = "*", *, save: bool = True) -> Artifact:
    """Saves a file of a job in a FileField: `save_artifact(order.invoice, order.job, "invoice-*.pdf")`.

    `job` is a task's result or its id, `name` a name or pattern as in `Job.artifact`. With `save` the object is saved,
    only this field of it. The stored file is named after the artifact's id, so a second call finds what the first one
    stored: after a transaction that was rolled back, or a process that died, nothing is stored twice.

    Raises `BureauError` (`NoSuchArtifact`, `Damaged` and others), and `OSError` of the storage.
    """
    result = job if isinstance(job, TaskResult) else None
    client = tasks_client(result.backend if result else None)
    artifact = client.get(result.id if result else str(job)).artifact(name)
    field.name = _stored(field, artifact)
    instance = field.instance
    setattr(instance, field.field.name, field.name)
    if save:
        instance.save(update_fields=[field.field.name])
    return artifact


def _stored(field: FieldFile, artifact: Artifact) -> str:
    """Stores the artifact unless it is there, and returns its name in the storage.

    A file of its name with another content is what a process left that died while it wrote.
    """
    name = field.field.generate_filename(field.instance, stored_name(artifact.id, artifact.name))
    if (longest := field.field.max_length) and len(name) > longest:
        name = field.field.generate_filename(
            field.instance, stored_name(artifact.id, artifact.name, less=len(name) - longest)
        )
    if field.storage.exists(name):
        if _sha256(field, name) == artifact.sha256:
            return name
        field.storage.delete(name)
    with tempfile.TemporaryFile() as file:
        artifact.write_to(file)  # it is checked before the storage gets it
        file.seek(0)
        return str(field.storage.save(name, File(file, name), max_length=longest))


def stored_name(artifact_id: str, name: str, *, less: int = 0) -> str:
    """Returns the file's name in the storage: the artifact's id and the file's own name.

    `less` characters are cut from the name, but not from its extension.
    """
    plain = PurePosixPath(plain_name(name))
    stem = plain.stem[: max(1, len(plain.stem) - less)]
    return f"{artifact_id}-{stem}{plain.suffix}"


def _sha256(field: FieldFile, name: str) -> str:
    digest = hashlib.sha256()
    with field.storage.open(name, "rb") as file:
        for piece in file.chunks(PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()
