"""A real Prometheus scrapes a running stack; what it then says is what happened."""

import os
import re
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import GATEWAYS
from tests.support.running.stack import Stack
from tests.support.servers import prometheus as promtool
from tests.support.servers.prometheus import Prometheus, prometheus
from tests.support.waiting import until

TWINS = ("twins", "second twin")  # two processes of one command
JOBS = 5
METHODS = {"DELETE", "GET", "HEAD", "PATCH", "POST", "PUT", "other"}


@pytest.fixture(scope="module")
def measured(stack: Stack) -> Iterator[Stack]:
    """The stack, and a worker with two processes."""
    stack.start("twins")
    yield stack
    stack.kill("twins")


@pytest.fixture(scope="module")
def scraped(measured: Stack, ports: dict[str, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """It has scraped every process, and counts from now on: other tests were here before."""
    with prometheus(tmp_path_factory.mktemp("prometheus"), [f"127.0.0.1:{port}" for port in ports.values()]) as server:
        server.begin(len(ports))
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
    until(lambda: scraped.gained("sum(bureau_job_duration_seconds_count)") >= JOBS, 30, "the ends of the jobs")
    return jobs


def test_every_process_is_scraped(scraped: Prometheus, ports: dict[str, int]) -> None:
    up = "count(process_cpu_seconds_total > 0)"
    until(lambda: scraped.value(up) == len(ports), 30, lambda: f"all targets up: {scraped.down()}")
    assert scraped.value("count(process_resident_memory_bytes > 1e6)") == len(ports)


def test_promtool_has_nothing_against_any_exposition(done: object, ports: dict[str, int]) -> None:
    assert {name: promtool.errors(exposition(port)) for name, port in ports.items()} == dict.fromkeys(ports, "")


def test_requests_and_submissions_are_counted_over_all_processes(done: object, scraped: Prometheus) -> None:
    posted = 'bureau_http_requests_total{route="/v1/jobs",method="POST",code="202"}'
    lost = 'bureau_http_requests_total{route="unknown",code="404"}'  # the last request of all
    until(lambda: scraped.gained(posted) == JOBS, 20, lambda: f"{JOBS} submissions, not {scraped.gained(posted)}")
    until(lambda: scraped.gained(lost) == 1, 20, lambda: f"one request in vain, not {scraped.gained(lost)}")
    assert scraped.gained('bureau_submissions_total{kind="job"}') == JOBS
    assert scraped.gained('bureau_http_request_duration_seconds_count{route="/v1/jobs",method="POST"}') == JOBS


def test_tasks_mails_and_jobs_are_counted_where_they_end(done: object, scraped: Prometheus) -> None:
    for run in ("shop.suma", "mailer.send"):
        ran = f'bureau_task_duration_seconds_count{{task="{run}",outcome="succeeded"}}'
        until(lambda: scraped.gained(ran) == JOBS, 20, lambda: f"{JOBS} of {run}")  # noqa: B023 - asked at once
        messages = f'dramatiq_messages_total{{actor_name="{run}"}}'
        until(lambda: scraped.gained(messages) >= JOBS, 20, lambda: f"messages of {run}")  # noqa: B023
    assert scraped.gained('sum(bureau_job_duration_seconds_count{kind="job",state="succeeded"})') == JOBS
    assert scraped.gained('sum(bureau_mails_total{transport="smtp",outcome="sent"})') == JOBS
    assert scraped.gained("sum(bureau_ledger_claim_duration_seconds_count)") >= 2 * JOBS
    assert scraped.gained("bureau_ledger_finish_duration_seconds_count") == 2 * JOBS


@pytest.fixture(scope="module")
def ended(measured: Stack, done: object) -> None:
    """Jobs that were retried, put off and cancelled, on both processes of the twins."""
    api = measured.api
    retry = {"base_seconds": 0.1, "cap_seconds": 0.1}
    flaky = [api.run({"name": "f", "run": "twins.flaky", "input": {}, "retry": retry}) for _ in range(20)]
    api.succeeded(api.run({"name": "l", "run": "twins.later", "input": {"marker": "once"}}))
    cancelled = [api.run({"name": "e", "run": "twins.endless", "input": {}}) for _ in range(2)]
    until(lambda: all(api.job(job["id"])["state"] == "running" for job in cancelled), 30, "the endless run")
    waiting = api.run({"name": "add", "run": "shop.suma", "input": {"a": 1, "b": 2}}, delay_seconds=3600)
    for job in (*cancelled, waiting):
        assert api.client.post(f"/v1/jobs/{job['id']}/cancel").is_success
    for job in cancelled:
        assert api.ended(job)["state"] == "cancelled"
    for job in flaky:
        api.succeeded(job)


def test_each_process_of_a_command_counts_its_own_and_together_it_is_all(
    ended: object, scraped: Prometheus, ports: dict[str, int]
) -> None:
    ran = 'sum(bureau_task_duration_seconds_count{task="twins.flaky",outcome="succeeded"})'
    until(lambda: scraped.gained(ran) == 20, 20, lambda: f"20 tasks, not {scraped.gained(ran)}")
    assert scraped.gained('sum(bureau_ledger_retries_total{queue="twins"})') == 20
    assert scraped.gained('sum(bureau_ledger_postponed_total{queue="twins"})') in (1, 2)  # by one or by both
    for name in TWINS:
        assert counted(ports[name], 'dramatiq_messages_total{actor_name="twins.flaky",queue_name="twins"}') > 0


def test_jobs_that_were_cancelled_have_a_duration_too(ended: object, scraped: Prometheus) -> None:
    cancelled = 'sum(bureau_job_duration_seconds_count{kind="job",state="cancelled"})'
    until(lambda: scraped.gained(cancelled) == 3, 20, lambda: f"3 cancelled, not {scraped.query(cancelled)}")


def test_bytes_rows_and_calls_of_others_are_counted(measured: Stack, done: object, scraped: Prometheus) -> None:
    roster = b"recipient,course\nAda Lovelace,Welding\n"
    issued = measured.api.submit("/v1/certificates", files=[("files", ("welding.csv", roster, "text/csv"))])
    report = measured.api.submit("/v1/reports", json={"report": "orders", "params": {"least_amount": 99}})
    sizes = {job["kind"]: measured.api.succeeded(job)["artifacts"][0]["size"] for job in (issued, report)}
    rows = measured.api.job(report["id"])["tasks"][0]["result"]["rows"]
    expected = {
        "bureau_upload_bytes_total": len(roster),
        'bureau_report_rows_total{report="orders"}': rows,
        'bureau_artifact_bytes_total{task="certificates.issue"}': sizes["certificates"],
        'bureau_artifact_bytes_total{task="reports.generate"}': sizes["report"],
        'bureau_upstream_requests_total{upstream="certificates",code="200"}': 1,
    }
    for metric, value in expected.items():
        until(lambda: scraped.gained(metric) == value, 20, lambda: f"{metric}: {scraped.gained(metric)}")  # noqa: B023


def test_the_relay_says_what_it_published(done: object, scraped: Prometheus) -> None:
    published = 'sum(bureau_relay_hints_published_total{queue=~"shop|mailer"})'
    until(lambda: scraped.gained(published) >= 2 * JOBS, 20, lambda: f"hints, not {scraped.gained(published)}")
    assert scraped.gained("sum(bureau_relay_lag_seconds_count)") >= 2 * JOBS
    everything = "sum(bureau_relay_batch_hints_sum) - sum(bureau_relay_hints_published_total)"
    until(lambda: scraped.query(everything) == {(): 0.0}, 20, "as many hints in batches as were published")


def test_the_ledger_stands_in_the_scheduler_alone(measured: Stack, done: object, scraped: Prometheus) -> None:
    later = measured.api.run({"name": "later", "run": "shop.suma", "input": {"a": 1, "b": 2}}, delay_seconds=3600)
    tasks = 'bureau_ledger_tasks{queue="shop",state="later"}'
    until(lambda: scraped.gained(tasks) == 1, 30, lambda: f"a task for later: {scraped.query('bureau_ledger_tasks')}")
    assert scraped.value("count(bureau_ledger_up)") == 1
    assert scraped.value("bureau_ledger_up") == 1
    assert scraped.value('bureau_workers{queue="shop"}') == 1
    assert measured.api.client.post(f"/v1/jobs/{later['id']}/cancel").is_success


def test_the_counts_of_a_killed_gunicorn_worker_stay(measured: Stack, done: object, ports: dict[str, int]) -> None:
    for _ in range(30):
        measured.api.get("/v1/workers")
    workers_asked = 'bureau_http_requests_total{code="200",method="GET",route="/v1/workers"}'
    before = counted(ports["gateway"], workers_asked)
    master = measured.processes["gateway"].pid
    workers = children(master)
    assert len(workers) == GATEWAYS
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(children(master) - workers) == GATEWAYS, 30, "new gunicorn workers")
    measured.processes["gateway"].wait_for_http(f"{measured.api.url}/healthz", seconds=30)

    after = counted(ports["gateway"], workers_asked)
    assert before >= 30
    assert after >= before
    measured.api.get("/v1/workers")
    assert counted(ports["gateway"], workers_asked) == after + 1


def test_labels_have_few_values_whatever_is_asked(measured: Stack, done: object, ports: dict[str, int]) -> None:
    before = series_of_requests(ports)
    for number in range(50):
        measured.api.client.get(f"/v1/jobs/{number}")
        measured.api.client.get(f"/{number}/{number}")
        measured.api.client.request(f"M{number}", "/v1/jobs")
    series = series_of_requests(ports)
    assert len(series) - len(before) < 10
    assert {method for line in series for method in re.findall('method="([^"]+)"', line)} <= METHODS


def series_of_requests(ports: dict[str, int]) -> list[str]:
    return [line for line in exposition(ports["gateway"]).splitlines() if line.startswith("bureau_http_requests")]


def exposition(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def counted(port: int, series: str) -> float:
    """As the process itself tells it; its labels in the order of the alphabet."""
    lines = exposition(port).splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{series} ")), 0.0)


def children(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
