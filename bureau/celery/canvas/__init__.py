"""Exports what projects import from `celery.canvas`: calls as data, and how they become one job or several."""

from bureau.celery.canvas.nodes import chain, chord, chunks, group, xmap, xstarmap
from bureau.celery.canvas.signature import Signature, maybe_signature, maybe_subtask, signature, subtask

__all__ = [
    "Signature",
    "chain",
    "chord",
    "chunks",
    "group",
    "maybe_signature",
    "maybe_subtask",
    "signature",
    "subtask",
    "xmap",
    "xstarmap",
]
