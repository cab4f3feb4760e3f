"""The services of a process: a user's own, which cannot have the name of one of Bureau's, and those of Bureau's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bureau import Context
from bureau.cli.processes import worker
from bureau.ledger.db.database import Database
from bureau.service import SHIPPED, Resources, Service, made_by, refuse_shipped_names, services_of, shipped_service
from bureau.settings import OwnTasks, SettingsError, load
from bureau.storage import Storage
from bureau.task import Task
from tests.support.running.processes import ROOT


def greet(ctx: Context) -> None:
    """Does nothing."""


@pytest.fixture
def resources(tmp_path: Path) -> Resources:
    return Resources(Database(f"sqlite:///{tmp_path}/bureau.db"), Storage.from_url(f"file://{tmp_path}/storage"))


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_a_shipped_name_is_refused_by_name(name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        refuse_shipped_names(["shop", name])


def test_any_other_name_is_taken() -> None:
    refuse_shipped_names(["shop", "mailers", "gateway"])


def test_a_worker_for_tasks_of_a_shipped_name_is_refused(tmp_path: Path) -> None:
    code = """
from bureau import Context, task
from bureau.settings import OwnTasks, SettingsError, load

@task("mailer.greet")
def greet(ctx: Context) -> None:
    pass

from bureau.service import named_services
try:
    named_services(None)
except SettingsError as error:
    print(error)
"""
    settings = {"BROKER_URL": "amqp://localhost", "DATABASE_URL": f"sqlite:///{tmp_path}/bureau.db"}
    environment = {**os.environ, **settings, "STORAGE_URL": f"file://{tmp_path}/storage", "PYTHONPATH": str(ROOT)}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "mailer: this is the name of a service of Bureau's" in found.stdout, found.stderr


def test_tasks_of_several_prefixes_are_services_of_their_own() -> None:
    tasks = [Task(name, greet) for name in ("stock.count", "shop.sell", "shop.buy")]
    made = services_of(tasks)
    assert [(one.name, [task.name for task in one.tasks]) for one in made] == [
        ("shop", ["shop.sell", "shop.buy"]),
        ("stock", ["stock.count"]),
    ]


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_a_shipped_service_is_made_by_its_name(
    name: str, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DEMO_URL", "sqlite:///none.db")
    service = shipped_service(name, resources)
    assert service.name == name
    service.close()


def test_a_service_that_bureau_does_not_have_is_refused_with_those_it_has(resources: Resources) -> None:
    with pytest.raises(SettingsError, match="printer: Bureau has no service of this name; it has certificates, mailer"):
        shipped_service("printer", resources)


def test_a_service_whose_libraries_are_missing_names_its_extra(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SHIPPED, "mailer", "no_such_library.service:mailer_service")
    with pytest.raises(SettingsError, match=r"no_such_library is missing; .*'bureau-jobs\[mailer\]'"):
        shipped_service("mailer", resources)


def test_two_services_of_one_name_are_refused(resources: Resources) -> None:
    with pytest.raises(SettingsError, match="shop: two services have this name"):
        made_by(lambda _: [Service("shop", []), Service("shop", [])], resources)


def test_the_command_knows_the_shipped_services() -> None:
    assert set(worker.SHIPPED) == SHIPPED.keys()


def test_a_task_with_a_queue_of_its_own_is_served_there() -> None:
    tasks = [
        Task("shop.sell", greet),
        Task("shop.count", greet, queue="bulk"),
        Task("stock.count", greet, queue="bulk"),
    ]
    made = services_of(tasks)
    assert [(one.name, [task.name for task in one.tasks]) for one in made] == [
        ("bulk", ["shop.count", "stock.count"]),
        ("shop", ["shop.sell"]),
    ]
    assert [task.description.queue for task in tasks] == ["shop", "bulk", "bulk"]


def test_named_queues_each_serve_all_tasks_and_no_other_queue_does() -> None:
    tasks = [Task("shop.sell", greet), Task("shop.count", greet, queue="bulk")]
    made = services_of(tasks, queues=["night", "bulk"])
    assert [(one.name, [task.name for task in one.tasks]) for one in made] == [
        ("bulk", ["shop.sell", "shop.count"]),
        ("night", ["shop.sell", "shop.count"]),
    ]


@pytest.mark.parametrize(("queue", "queues"), [("mailer", ()), (None, ("reports",))])
def test_a_queue_of_a_shipped_service_is_refused(queue: str | None, queues: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError, match="this is the name of a service of Bureau's"):
        services_of([Task("shop.sell", greet, queue=queue)], queues=queues)


@pytest.mark.parametrize("queue", ["", "Bulk", "bulk queue", "1st", "q" * 41, "amq.x"])
def test_a_name_that_no_queue_can_have_is_refused(queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="is no name of a queue"):
        Task("shop.sell", greet, queue=queue)
    monkeypatch.setenv("QUEUES", f"fine, {queue}")
    if queue and " " not in queue:
        with pytest.raises(SettingsError, match=r"QUEUES: .* is no name of a queue"):
            load(OwnTasks)


def test_queues_are_read_from_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUES", "shop, bulk  night,shop")
    (settings,) = load(OwnTasks)
    assert settings.queue_names == ["shop", "bulk", "night"]
