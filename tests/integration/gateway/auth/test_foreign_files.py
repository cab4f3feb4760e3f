"""Every way to name a stored file in a request: with another owner's file it is refused, and nothing is stored."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bureau.ledger.access.keys import Role
from tests.integration.gateway.keyed import Keyed, keyed_gateway

MAIL = {"to": ["eve@example.com"], "subject": "Mine", "html": "<p>x</p>"}
FOREIGN = "FOREIGN"  # stands for the id

REQUESTS: dict[str, dict[str, Any]] = {
    "an attachment": {"email": {**MAIL, "attachments": [{"artifact": FOREIGN, "name": "a.csv"}]}},
    "an image": {"email": {**MAIL, "inline": {"logo": {"artifact": FOREIGN}}}},
    "a link": {"email": {**MAIL, "links": {"link": {"artifact": FOREIGN}}}},
    "an attachment of many mails": {
        "email": {
            "recipients": ["a@example.com", "b@example.com"],
            "subject": "x",
            "text": "x",
            "attachments": [{"artifact": FOREIGN}],
        }
    },
    "a task's input": {
        "job": {"tasks": [{"name": "it", "run": "mailer.send", "input": {**MAIL, "text": {"artifact": FOREIGN}}}]}
    },
    "a roster": {"certificates": {"files": [{"artifact": FOREIGN, "name": "a.csv"}]}},
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    folder: Path = tmp_path_factory.mktemp("doors")
    with keyed_gateway(folder) as keyed:
        yield keyed


@pytest.fixture(scope="module")
def foreign(gateway: Keyed) -> str:
    return str(gateway.file("ada")["id"])


def with_id(value: Any, artifact: str) -> Any:
    return json.loads(json.dumps(value).replace(FOREIGN, artifact))


def doors(gateway: Keyed, request: dict[str, Any], artifact: str) -> Iterator[tuple[str, int]]:
    """Each way to send the request, with its status."""
    request = with_id(request, artifact)
    for kind, body in request.items():
        path = {"email": "/v1/emails", "job": "/v1/jobs"}.get(kind)
        if path:
            yield path, gateway.ask("POST", path, "eve", json=body).status_code
            chosen = {**body, "id": str(uuid4())}
            yield f"{path} with an id", gateway.ask("POST", path, "eve", json=chosen).status_code
            key = {"Idempotency-Key": uuid4().hex}
            yield f"{path} with a key", gateway.ask("POST", path, "eve", json=body, headers=key).status_code
        if kind == "email":
            form = {"options": (None, json.dumps(body))}
            yield "a form", gateway.ask("POST", path or "", "eve", files=form).status_code
        if kind == "job":
            jobs = {"jobs": [{"tasks": [{"name": "a", "run": "mailer.send", "input": MAIL}]}, body]}
            yield "a batch", gateway.ask("POST", "/v1/jobs/batch", "eve", json=jobs).status_code
    timing = {"cron": "0 7 * * *"}
    yield "a schedule", gateway.ask("PUT", "/v1/schedules/eve", "eve", json={**timing, **request}).status_code
    made = gateway.ask("PUT", "/v1/schedules/plain", "eve", json={**timing, "email": {**MAIL, "text": "x"}})
    assert made.status_code in (200, 201), made.text
    yield "a changed schedule", gateway.ask("PATCH", "/v1/schedules/plain", "eve", json=request).status_code


@pytest.mark.parametrize("what", REQUESTS)
def test_another_owners_file_is_refused_at_every_door(gateway: Keyed, foreign: str, what: str) -> None:
    answers = dict(doors(gateway, REQUESTS[what], foreign))
    assert answers == dict.fromkeys(answers, 422)
    assert gateway.ask("GET", "/v1/jobs", "eve").json()["items"] == []
    names = [one["name"] for one in gateway.ask("GET", "/v1/schedules", "eve").json()["items"]]
    assert names == ["plain"]


def test_the_same_requests_are_taken_with_a_file_of_ones_own(gateway: Keyed) -> None:
    own = str(gateway.file("bob")["id"])
    body = with_id(REQUESTS["an attachment"]["email"], own)
    assert gateway.ask("POST", "/v1/emails", "bob", Role.SUBMIT, json=body).status_code == 202
