"""What the OpenAPI document says of keys, roles, limits and links."""

from typing import Any

import pytest

from bureau.ledger.db.database import Database
from bureau.messaging.broker import BrokerKind
from bureau.services.gateway.app import operations
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.openapi import document
from bureau.services.gateway.http.operation import Operation
from bureau.services.gateway.settings import GatewaySettings
from bureau.signing.signed_links import Linked
from bureau.storage import Storage
from bureau.submission.announcements import Announcements


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


def declared() -> list[Operation[Any, Any]]:
    database = Database("sqlite:///never-opened.db")
    storage = Storage.from_url("file://never")
    return operations(Gateway(GatewaySettings(), database, storage, NoRelay(), Announcements(database)))


ALL = {operation.name: operation for operation in declared()}


@pytest.fixture(scope="module")
def described() -> dict[str, dict[str, Any]]:
    paths = document(list(ALL.values()), "1")["paths"]
    return {one["operationId"]: one for methods in paths.values() for one in methods.values()}


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_route_with_a_role_describes_keys_and_limits(described: dict[str, Any], name: str) -> None:
    operation, told = ALL[name], described[name]
    ways = [way for alternative in told["security"] for way in alternative]
    statuses = set(told["responses"])
    if operation.role is None:
        assert ways == []
        assert not {"401", "429"} & statuses
        return
    assert ways == ["bearer", "basic", *(["link"] if operation.linked else [])]
    assert {"401", "403", "429"} <= statuses
    assert "WWW-Authenticate" in told["responses"]["401"]["headers"]
    assert "Retry-After" in told["responses"]["429"]["headers"]
    for status, answer in told["responses"].items():
        assert ("RateLimit" in answer["headers"]) == (status != "401"), status


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_link_that_expired_is_described_where_links_are_followed(described: dict[str, Any], name: str) -> None:
    assert ("410" in described[name]["responses"]) == (ALL[name].linked is not None)


def test_links_open_jobs_their_tasks_and_files() -> None:
    linked = {name: operation.linked for name, operation in ALL.items() if operation.linked}
    of_a_job = dict.fromkeys(("read-job", "list-job-tasks", "follow-job", "page-job"), Linked.JOB)
    assert linked == {**of_a_job, "read-artifact": Linked.ARTIFACT}
