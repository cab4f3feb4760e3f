"""A real Prometheus scrapes a running stack; what it then says is what happened."""

import os
import re
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import prometheus as promtool
from tests.support.ports import free_port
from tests.support.postgres import drop_database, fresh_database
from tests.support.prometheus import Prometheus, prometheus
from tests.support.stack import Stack
from tests.support.waiting import until

SERVICES = ("scheduler", "certificates", "reports", "mailer", "shop")
PROCESSES = 3  # of the gateway
JOBS = 5


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {name: free_port() for name in ("gateway", *SERVICES)}


@pytest.fixture(scope="module")
def measured(
    tmp_path_factory: pytest.TempPathFactory, module_rabbitmq_url: str, module_database_url: str, ports: dict[str, int]
) -> Iterator[Stack]:
    env = {"WEB_CONCURRENCY": str(PROCESSES), "METRICS_BIND": f"127.0.0.1:{ports['gateway']}"}
    folder = tmp_path_factory.mktemp("measured")
    with Stack(folder, broker_url=module_rabbitmq_url, database_url=module_database_url, env=env) as stack:
        stack.start("gateway")
        for name in SERVICES:
            stack.start(name, env={"HEALTH_BIND": f"127.0.0.1:{ports[name]}"})
        yield stack


@pytest.fixture(scope="module")
def scraped(measured: Stack, ports: dict[str, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with prometheus(tmp_path_factory.mktemp("prometheus"), [f"127.0.0.1:{port}" for port in ports.values()]) as server:
        yield server


@pytest.fixture(scope="module")
def done(measured: Stack, scraped: Prometheus) -> list[dict[str, Any]]:
    """Jobs of every kind of end, whose numbers Prometheus has."""
    api = measured.api
    add = {"name": "add", "run": "shop.suma", "input": {"a": 1, "b": 2}}
    mail = {"to": ["ada@example.com"], "subject": "Sum", "text": "See the job."}
    sent = {"name": "mail", "run": "mailer.send", "after": ["add"], "input": mail}
    jobs = [api.succeeded(api.run(add, sent)) for _ in range(JOBS)]
    assert api.client.get("/v1/no-such-thing").status_code == 404
    until(lambda: scraped.value("sum(bureau_job_duration_seconds_count)") >= JOBS, 30, "the ends of the jobs")
    return jobs


def test_every_process_is_scraped(scraped: Prometheus) -> None:
    everyone = 1 + len(SERVICES)
    up = "count(process_cpu_seconds_total > 0)"
    until(lambda: scraped.value(up) == everyone, 30, lambda: f"all targets up: {scraped.down()}")
    assert scraped.value("count(process_resident_memory_bytes > 1e6)") == everyone


def test_promtool_has_nothing_against_any_exposition(done: object, ports: dict[str, int]) -> None:
    assert {name: promtool.mistakes(exposition(port)) for name, port in ports.items()} == dict.fromkeys(ports, "")


def test_requests_and_submissions_are_counted_over_all_processes(done: object, scraped: Prometheus) -> None:
    posted = 'bureau_http_requests_total{route="/v1/jobs",method="POST",code="202"}'
    until(lambda: scraped.value(posted) == JOBS, 20, lambda: f"{JOBS} submissions, not {scraped.value(posted)}")
    assert scraped.value('bureau_submissions_total{kind="job"}') == JOBS
    assert scraped.value('bureau_http_requests_total{route="unknown",code="404"}') == 1
    assert scraped.value('bureau_http_request_duration_seconds_count{route="/v1/jobs",method="POST"}') == JOBS


def test_tasks_mails_and_jobs_are_counted_where_they_end(done: object, scraped: Prometheus) -> None:
    for run in ("shop.suma", "mailer.send"):
        ran = f'bureau_task_duration_seconds_count{{task="{run}",outcome="succeeded"}}'
        until(lambda: scraped.value(ran) == JOBS, 20, lambda: f"{JOBS} of {run}")  # noqa: B023 - asked at once
        messages = f'dramatiq_messages_total{{actor_name="{run}"}}'
        until(lambda: scraped.value(messages) >= JOBS, 20, lambda: f"messages of {run}")  # noqa: B023
    assert scraped.value('bureau_job_duration_seconds_count{kind="job",state="succeeded"}') == JOBS
    assert scraped.value('bureau_mails_total{transport="file",outcome="sent"}') == JOBS
    assert scraped.value("bureau_ledger_claim_duration_seconds_count") >= 2 * JOBS
    assert scraped.value("bureau_ledger_finish_duration_seconds_count") == 2 * JOBS


def test_the_relay_says_what_it_published(done: object, scraped: Prometheus) -> None:
    published = "sum(bureau_relay_hints_published_total)"
    until(lambda: scraped.value(published) >= 2 * JOBS, 20, lambda: f"hints, not {scraped.value(published)}")
    assert scraped.value("sum(bureau_relay_lag_seconds_count)") == 2 * JOBS
    assert scraped.value("sum(bureau_relay_batch_hints_sum)") == scraped.value(published)


def test_the_ledger_stands_in_the_scheduler_alone(measured: Stack, done: object, scraped: Prometheus) -> None:
    later = measured.api.run({"name": "later", "run": "shop.suma", "input": {"a": 1, "b": 2}}, delay_seconds=3600)
    tasks = 'bureau_ledger_tasks{queue="shop",state="later"}'
    until(lambda: scraped.value(tasks) == 1, 30, lambda: f"a task for later: {scraped.query('bureau_ledger_tasks')}")
    assert scraped.value("count(bureau_ledger_up)") == 1
    assert scraped.value("bureau_ledger_up") == 1
    assert scraped.value('bureau_workers{queue="shop"}') == 1
    assert measured.api.client.post(f"/v1/jobs/{later['id']}/cancel").is_success


def test_what_a_killed_gunicorn_worker_counted_stays(measured: Stack, done: object, ports: dict[str, int]) -> None:
    for _ in range(30):
        measured.api.get("/v1/workers")
    before = counted(ports["gateway"])
    master = measured.processes["gateway"].pid
    workers = children(master)
    assert len(workers) == PROCESSES
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(children(master) - workers) == PROCESSES, 30, "new gunicorn workers")
    measured.processes["gateway"].wait_for_http(f"{measured.api.url}/healthz", seconds=30)

    after = counted(ports["gateway"])
    assert before >= 30
    assert after >= before
    measured.api.get("/v1/workers")
    assert counted(ports["gateway"]) == after + 1


def test_labels_have_few_values_whatever_is_asked(measured: Stack, done: object, ports: dict[str, int]) -> None:
    for number in range(50):
        measured.api.client.get(f"/v1/jobs/{number}")
        measured.api.client.get(f"/{number}/{number}")
        measured.api.client.request(f"M{number}", "/v1/jobs")
    series = [line for line in exposition(ports["gateway"]).splitlines() if line.startswith("bureau_http_requests")]
    assert len(series) < 40
    assert {method for line in series for method in re.findall('method="([^"]+)"', line)} <= {"GET", "POST", "other"}


def exposition(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def counted(port: int) -> float:
    """Answered GETs of /v1/workers, as the gateway tells it."""
    wanted = 'bureau_http_requests_total{code="200",method="GET",route="/v1/workers"} '
    return next(
        (float(line.removeprefix(wanted)) for line in exposition(port).splitlines() if line.startswith(wanted)), 0.0
    )


def children(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


@pytest.fixture(scope="module")
def module_database_url(postgres_server: str) -> Iterator[str]:
    url = fresh_database(postgres_server)
    yield url
    drop_database(postgres_server, url)
