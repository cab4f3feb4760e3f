"""Tests that the client's typed dictionaries agree with the API's models."""

from typing import Any, get_type_hints

import pytest
from pydantic import BaseModel

from bureau.client import shapes
from bureau.client.operations import JobFilter
from bureau.client.submissions import RetryTerms, Terms
from bureau.contracts.catalog import ReportDescription, TemplateDescription
from bureau.contracts.jobs import jobs as contracts
from bureau.services.gateway import models
from bureau.services.gateway.api import catalog, health, queues, workers
from bureau.services.gateway.api.jobs import tasks
from bureau.services.gateway.api.jobs.jobs import JobFields
from bureau.services.gateway.api.schedules.schedule_models import Schedule, ScheduleProblem

SHAPES: dict[type[Any], type[BaseModel]] = {
    shapes.ProgressData: models.Progress,
    shapes.ErrorDetailData: models.ErrorDetail,
    shapes.ErrorData: models.TaskError,
    shapes.JobErrorData: models.JobError,
    shapes.WaitingData: models.Waiting,
    shapes.AttemptData: models.Attempt,
    shapes.LogData: models.LogLine,
    shapes.TaskData: models.Task,
    shapes.ArtifactData: models.Artifact,
    shapes.JobSummaryData: models.JobSummary,
    shapes.JobData: models.Job,
    shapes.TaskSummaryData: tasks.TaskSummary,
    shapes.QueueData: queues.Queue,
    shapes.WorkerOutageData: workers.WorkerOutage,
    shapes.WorkerData: workers.Worker,
    shapes.ScheduleProblemData: ScheduleProblem,
    shapes.ScheduleData: Schedule,
    shapes.ReportData: ReportDescription,
    shapes.CatalogTaskData: catalog.CatalogTask,
    shapes.TemplateData: TemplateDescription,
    shapes.CheckData: health.Check,
    shapes.ReadinessData: health.Readiness,
    JobFilter: JobFields,
    RetryTerms: contracts.RetryOverride,
}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_each_typed_dictionary_has_the_fields_of_its_model(shape: type[Any]) -> None:
    assert set(get_type_hints(shape)) <= set(SHAPES[shape].model_fields)


def test_every_shape_is_compared() -> None:
    named = {value for name, value in vars(shapes).items() if name.endswith("Data")}
    assert named <= set(SHAPES)


def test_the_terms_are_those_of_the_api() -> None:
    header = {"idempotency_key"}
    assert set(get_type_hints(Terms)) - header == set(contracts.Terms.model_fields)
