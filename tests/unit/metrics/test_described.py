"""Tests that docs/metrics.md lists every metric with its labels, and that all follow Prometheus' rules."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bureau.metrics.survey import LedgerCollector
from tests.support.ledger.book import Book
from tests.support.ledger.ledgers import sqlite_ledger
from tests.support.running.processes import ROOT
from tests.support.servers import prometheus

METRICS = (ROOT / "docs/metrics.md").read_text()
TABLE = [line for line in METRICS.splitlines() if line.startswith(("| `bureau_", "| `dramatiq_"))]
KINDS = {"counter": "_total"}
for module in ("bureau.metrics.messages", "bureau.services.mailer.metrics", "bureau.services.reports.metrics"):
    import_module(module)  # registers what it counts
for file in Path(ROOT, "bureau/metrics").glob("*.py"):
    import_module(f"bureau.metrics.{file.stem}")


class Counted(Collector):
    """What a process counts, each with one made-up series, so that its labels are seen."""

    def collect(self) -> Iterator[Metric]:
        for collector in set(REGISTRY._names_to_collectors.values()):
            if isinstance(collector, MetricWrapperBase) and collector._name.startswith(("bureau_", "dramatiq_")):
                if collector._labelnames:
                    fresh = type(collector)(
                        collector._name, collector._documentation, collector._labelnames, registry=None
                    )
                    fresh.labels(*collector._labelnames)
                    yield from fresh.collect()
                else:
                    yield from collector.collect()


@pytest.fixture
def metrics(tmp_path: Path) -> Iterator[CollectorRegistry]:
    db = sqlite_ledger(tmp_path)
    Book(db).submit()  # a queue
    survey = LedgerCollector(db)
    registry = CollectorRegistry()
    registry.register(survey)
    registry.register(Counted())
    yield registry
    survey.close()
    db.close()


def exported(registry: CollectorRegistry) -> dict[str, set[str]]:
    """The labels of each metric, by the name it is queried by."""
    return {
        metric.name + KINDS.get(metric.type, ""): {label for sample in metric.samples for label in sample.labels}
        - {"le"}
        for metric in registry.collect()
    }


def described() -> dict[str, set[str]]:
    rows = [line.split("|")[1:3] for line in TABLE]
    return {
        name: set(re.findall(r"`(\w+)`", labels)) for names, labels in rows for name in re.findall(r"`(\w+)`", names)
    }


def test_the_docs_list_exactly_the_metrics_and_their_labels(metrics: CollectorRegistry) -> None:
    assert described() == exported(metrics)


def test_promtool_accepts_every_metric(metrics: CollectorRegistry) -> None:
    assert prometheus.errors(generate_latest(metrics).decode()) == ""
