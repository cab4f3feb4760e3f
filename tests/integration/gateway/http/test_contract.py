"""Schemathesis sends what the OpenAPI document allows and what it does not, and holds the answers against it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from bureau.ledger.db.database import Database
from bureau.services.gateway.app import create_app
from bureau.services.gateway.settings import GatewaySettings
from bureau.storage import Storage
from tests.integration.gateway.conftest import CATALOGS, CountingRelay, make_door

EXAMPLES = [
    pytest.param(3, True, id="the same"),
    pytest.param(12, True, id="the same, more", marks=pytest.mark.long),
    pytest.param(50, False, id="at random", marks=[pytest.mark.long, pytest.mark.timeout(1200)]),
]

FORMS = ("/v1/certificates", "/v1/emails", "/v1/files")
PAGES = "Pages"  # for people: whatever comes in the query is let be


def described() -> list[tuple[str, str, bool]]:
    """Method and path of every operation, and whether anything in a request for it can be wrong."""
    app = create_app(
        GatewaySettings(), Database("sqlite:///never.db"), Storage.from_url("file://never"), CountingRelay()
    )
    paths: dict[str, Any] = app.test_client().get("/openapi.json").get_json()["paths"]
    return [
        (method.upper(), path, bool(operation["parameters"] or "requestBody" in operation))
        for path, methods in paths.items()
        for method, operation in methods.items()
        if method != "head" and operation["tags"] != [PAGES]
    ]


RUNS = [
    (method, path, mode)
    for method, path, takes_input in described()
    for mode in GenerationMode
    if takes_input or mode is GenerationMode.POSITIVE
]


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder: Path = tmp_path_factory.mktemp("contract")
    door = make_door(folder)
    for service in CATALOGS:
        door.announce(service)
    door.stopping.set()  # nobody is made to wait by `Prefer: wait`
    yield schemathesis.openapi.from_wsgi("/openapi.json", door.app)
    door.client.close()
    door.db.close()


@pytest.mark.parametrize(("examples", "derandomize"), EXAMPLES)
@pytest.mark.parametrize(("method", "path", "mode"), RUNS)
def test_every_answer_is_one_that_the_document_describes(
    schema: Any, method: str, path: str, mode: GenerationMode, examples: int, derandomize: bool
) -> None:
    operation = schema[path][method]
    # What fits a schema may still name a report or a file that is not there: 422 is right then.
    excluded = [positive_data_acceptance]
    if path in FORMS:  # whatever a part holds is a good file
        excluded.append(negative_data_rejection)

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=examples,
        derandomize=derandomize,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def answers(case: Any) -> None:
        case.call_and_validate(excluded_checks=excluded)

    answers()
