"""What a service announces of itself, so that the gateway can validate without importing it."""

from typing import Any

from pydantic import Field

from bureau.contracts.base import Contract
from bureau.contracts.jobs.jobs import RunName


class RetryPolicy(Contract):
    """Exponential backoff with full jitter: before attempt n+1, up to min(cap, base * 2^n) seconds."""

    max_attempts: int = Field(default=8, ge=1, le=100)
    base_seconds: float = Field(default=1.0, gt=0, le=86_400)
    cap_seconds: float = Field(default=300.0, gt=0, le=604_800)


class TaskDescription(Contract):
    """A task a service runs. Schemas are JSON Schema 2020-12."""

    name: RunName
    description: str = ""
    queue: str
    input_schema: dict[str, Any]
    result_schema: dict[str, Any]
    retry: RetryPolicy = RetryPolicy()
    time_limit_seconds: float = Field(default=1800.0, gt=0, le=86_400)


class ReportDescription(Contract):
    """A report of the catalog; `params_schema` is a closed object schema, one property a parameter."""

    name: str
    title: str
    description: str = ""
    source: str
    params_schema: dict[str, Any]


class TemplateDescription(Contract):
    """A mail template."""

    name: str
    description: str = ""


class Catalog(Contract):
    """All a service announces."""

    tasks: list[TaskDescription] = []
    reports: list[ReportDescription] = []
    templates: list[TemplateDescription] = []
