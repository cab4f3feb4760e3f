"""The OpenAPI document: valid, complete, made from the routes themselves."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator

from bureau.ledger.db.database import Database
from bureau.messaging.broker import BrokerKind
from bureau.services.gateway.app import create_app
from bureau.services.gateway.problems import KINDS
from bureau.services.gateway.settings import GatewaySettings
from bureau.storage import Storage


class NoRelay:
    """Nothing is published here."""

    broker_kind: BrokerKind = "memory"
    healthy = True
    last_error = None

    def wake(self) -> None:
        """Nothing to wake."""

    def defer(self, action: Any) -> None:
        """Nothing to do later."""

    def publish(self, stamped: Any) -> None:
        """Nothing to publish."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder: Path = tmp_path_factory.mktemp("nothing")
    database = Database(f"sqlite:///{folder}/never-opened.db")
    made = create_app(GatewaySettings(), database, Storage.from_url(f"file://{folder}/never"), NoRelay())
    assert list(folder.iterdir()) == []  # putting it together touches nothing
    return made


@pytest.fixture(scope="module")
def document(app: Flask) -> dict[str, Any]:
    answer = app.test_client().get("/openapi.json")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    found: dict[str, Any] = answer.get_json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_it_is_a_valid_openapi_3_1_document(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_route_and_method_is_in_it(app: Flask, document: dict[str, Any]) -> None:
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(rule)), method.lower())
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    described = {(path, method) for path, method, _ in operations(document)}
    assert served == described


def test_the_document_has_every_promised_route(document: dict[str, Any]) -> None:
    assert {
        "/",
        "/healthz",
        "/openapi.json",
        "/problems/{slug}",
        "/readyz",
        "/v1/artifacts/{artifact_id}/{name}",
        "/v1/catalog/reports",
        "/v1/catalog/tasks",
        "/v1/catalog/templates",
        "/v1/certificates",
        "/v1/emails",
        "/v1/events",
        "/v1/files",
        "/v1/jobs",
        "/v1/jobs/batch",
        "/v1/jobs/cancel",
        "/v1/jobs/retry",
        "/v1/jobs/{job_id}",
        "/v1/jobs/{job_id}/cancel",
        "/v1/jobs/{job_id}/events",
        "/v1/jobs/{job_id}/retry",
        "/v1/jobs/{job_id}/tasks",
        "/v1/queues",
        "/v1/queues/{name}/pause",
        "/v1/queues/{name}/purge",
        "/v1/queues/{name}/resume",
        "/v1/reports",
        "/v1/schedules",
        "/v1/schedules/{name}",
        "/v1/schedules/{name}/run",
        "/v1/tasks",
        "/v1/workers",
    } <= set(document["paths"])


def test_every_answer_says_that_it_has_a_request_id(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        for status, answer in operation["responses"].items():
            assert "Request-Id" in answer["headers"], (path, method, status)


def test_every_post_takes_an_idempotency_key(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        headers = {one["name"] for one in operation["parameters"] if one["in"] == "header"}
        by_people = operation["tags"] == ["Pages"]  # their forms are sent by hand
        by_provider = path.startswith("/v1/mail/events/")  # each event has an id of its own
        assert ("Idempotency-Key" in headers) == (method == "post" and not by_people and not by_provider), path
        submits = "202" in operation["responses"] and path != "/v1/jobs/batch"  # many jobs are not waited for
        reads_job = path == "/v1/jobs/{job_id}" and method != "delete"
        assert ("Prefer" in headers) == (submits or reads_job), path


def test_submissions_answer_202_with_a_location(document: dict[str, Any]) -> None:
    for path in ("/v1/certificates", "/v1/reports", "/v1/emails", "/v1/jobs"):
        answer = document["paths"][path]["post"]["responses"]["202"]
        assert "Location" in answer["headers"]
        assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Job"}


def test_a_form_takes_plain_fields_and_nested_ones_in_options(document: dict[str, Any]) -> None:
    content = document["paths"]["/v1/emails"]["post"]["requestBody"]["content"]
    assert set(content) == {"application/json", "multipart/form-data"}
    form = content["multipart/form-data"]["schema"]["properties"]
    assert {"to", "subject", "files", "options", "from"} <= set(form)
    assert not {"context", "attachments", "retry"} & set(form)


def test_every_kind_of_problem_has_a_page(app: Flask) -> None:
    client = app.test_client()
    for slug, kind in KINDS.items():
        page = client.get(f"/problems/{slug}")
        assert page.status_code == 200
        assert str(kind.status) in page.text
