"""Defines what a service announces, so that the gateway can validate submissions without importing the service."""

from typing import Any

from pydantic import Field

from bureau.contracts.base import Contract
from bureau.contracts.jobs.jobs import RunName


class RetryPolicy(Contract):
    """Sets an exponential backoff with full jitter: up to min(cap, base * 2^n) seconds before attempt n+1."""

    max_attempts: int = Field(default=8, ge=1, le=100)
    base_seconds: float = Field(default=1.0, gt=0, le=86_400)
    cap_seconds: float = Field(default=300.0, gt=0, le=604_800)


class TaskDescription(Contract):
    """Describes a task that a service runs. `queue` is its own queue. The schemas are JSON Schema 2020-12."""

    name: RunName
    description: str = ""
    queue: str
    input_schema: dict[str, Any]
    result_schema: dict[str, Any]
    retry: RetryPolicy = RetryPolicy()
    time_limit_seconds: float = Field(default=1800.0, gt=0, le=86_400)


class ReportDescription(Contract):
    """Describes a report of the catalog; `params_schema` is a closed object schema with one property per parameter."""

    name: str
    title: str
    description: str = ""
    source: str
    params_schema: dict[str, Any]


class TemplateDescription(Contract):
    """Describes a mail template."""

    name: str
    description: str = ""


class Catalog(Contract):
    """Holds all that a service announces."""

    tasks: list[TaskDescription] = []
    reports: list[ReportDescription] = []
    templates: list[TemplateDescription] = []
