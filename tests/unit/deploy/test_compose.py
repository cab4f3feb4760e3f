"""The compose files: what every container is held to, who sees which secret, and the passwords of the first start."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from bureau.settings import PlatformSettings, load
from deploy import make_secrets
from tests.support.running.processes import ROOT

DEPLOY = ROOT / "deploy"
ONCE = {"secrets", "prepare"}  # they end after their work
SERVERS = {"rabbitmq", "postgres"}


def compose(name: str = "docker-compose.yml") -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text())
    return found


SERVICES: dict[str, dict[str, Any]] = compose()["services"]


def seconds(text: str) -> float:
    return float(text.removesuffix("s"))


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_may_do_what_it_must_and_no_more(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert bool(service.get("cap_add")) == (name in SERVERS)


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONCE))
def test_every_service_restarts_and_has_limits(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONCE - {"mailpit", "prometheus"}))
def test_every_dependency_has_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


def test_only_the_gateway_and_pages_for_people_are_published_and_on_loopback() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(published) == {"gateway", "mailpit", "prometheus"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_a_stop_has_time_to_hand_work_back() -> None:
    for service in SERVICES.values():
        grace = float(service.get("environment", {}).get("GRACE_SECONDS", 0))
        assert seconds(service["stop_grace_period"]) > grace + 5


def test_a_container_sees_its_own_secrets_only() -> None:
    mounted = {
        name: {volume.split(":")[0] for volume in service.get("volumes", []) if volume.startswith("secrets-")}
        for name, service in SERVICES.items()
        if name not in ONCE
    }
    assert {name: volumes for name, volumes in mounted.items() if volumes} == {
        name: {f"secrets-{name}"}
        for name in ("gateway", "scheduler", "certificates", "reports", "mailer", "issuer", "rabbitmq", "postgres")
    }


def test_no_password_is_in_a_file_of_the_repository() -> None:
    text = "".join(path.read_text() for path in DEPLOY.glob("docker-compose*.yml"))
    assert "PASSWORD:" not in text
    assert "users" not in json.loads((DEPLOY / "rabbitmq/definitions.json").read_text())


@pytest.mark.parametrize("name", ["docker-compose.s3.yml", "docker-compose.dev.yml"])
def test_an_overlay_changes_services_that_there_are(name: str) -> None:
    added = {"minio", "bucket", "tasks"}
    assert set(compose(name)["services"]) - added <= set(SERVICES)


def test_prometheus_scrapes_the_ports_that_are_served() -> None:
    configuration = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
    asked = {
        (name, found["port"])
        for job in configuration["scrape_configs"]
        for found in job.get("dns_sd_configs", [])
        for name in found["names"]
    }
    served = {
        (name, int(environment[variable].rpartition(":")[2]))
        for name, service in SERVICES.items()
        for variable in ("METRICS_BIND", "HEALTH_BIND")
        if variable in (environment := service.get("environment", {}))
    }
    assert asked - {("tasks", 8601)} == served


@pytest.fixture
def secrets_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """/secrets with its folders, empty."""
    folders = ("passwords", "postgres", "rabbitmq", "issuer", *make_secrets.OWNERS, *make_secrets.WORKERS)
    for folder in folders:
        (tmp_path / folder).mkdir()
    monkeypatch.setattr(make_secrets, "ROOT", tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_passwords_are_made_once(secrets_folder: Path) -> None:
    make_secrets.main()
    first = contents(secrets_folder)
    make_secrets.main()
    assert contents(secrets_folder) == first
    passwords = [text for name, text in first.items() if name.startswith("passwords/")]
    assert len(set(passwords)) == len(passwords) == 11  # three of PostgreSQL, six of RabbitMQ, and what signs links
    assert all(len(password) >= 32 for password in passwords)


def test_a_removed_password_is_made_anew_everywhere(secrets_folder: Path) -> None:
    make_secrets.main()
    old = contents(secrets_folder)
    (secrets_folder / "passwords/rabbitmq-mailer").unlink()
    make_secrets.main()
    new = contents(secrets_folder)
    assert {name for name in new if new[name] != old[name]} == {
        "passwords/rabbitmq-mailer",
        "mailer/broker_url",
        "rabbitmq/definitions.json",
    }


def test_rabbitmq_knows_the_passwords_that_the_processes_have(secrets_folder: Path) -> None:
    make_secrets.main()
    users = json.loads((secrets_folder / "rabbitmq/definitions.json").read_text())["users"]
    assert {user["name"] for user in users} == {*make_secrets.OWNERS, *make_secrets.WORKERS}
    for user in users:
        url = (secrets_folder / user["name"] / "broker_url").read_text()
        password = url.removeprefix(f"amqp://{user['name']}:").removesuffix("@rabbitmq/bureau")
        kept = base64.b64decode(user["password_hash"])
        assert kept[4:] == hashlib.sha256(kept[:4] + password.encode()).digest()


def test_workers_use_the_role_that_owns_nothing(secrets_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_secrets.main()
    for process, role in {"gateway": "bureau", "scheduler": "bureau", "mailer": "bureau_worker"}.items():
        monkeypatch.setenv("DATABASE_URL_FILE", str(secrets_folder / process / "database_url"))
        url = load(PlatformSettings)[0].database_url.get_secret_value()
        password = (secrets_folder / f"passwords/postgres-{role}").read_text()
        assert url == f"postgresql+psycopg://{role}:{password}@postgres/bureau"


def test_the_example_of_own_tasks_fits_the_stack() -> None:
    folder = ROOT / "examples/own_image"
    added: dict[str, Any] = yaml.safe_load((folder / "compose.yaml").read_text())
    ((name, shop),) = added["services"].items()
    mailer = SERVICES["mailer"]
    same = ("restart", "read_only", "tmpfs", "cap_drop", "security_opt", "stop_grace_period", "healthcheck")
    assert {key: shop[key] for key in same} == {key: mailer[key] for key in same}
    assert shop["deploy"]["resources"]["limits"].keys() == mailer["deploy"]["resources"]["limits"].keys()
    assert (DEPLOY / shop["build"]["context"]).resolve() == folder.resolve()
    stack = compose()
    assert {volume.partition(":")[0] for volume in shop["volumes"]} <= stack["volumes"].keys()
    assert set(shop["depends_on"]) <= SERVICES.keys() - {name}
    scraped = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())["scrape_configs"]
    names = next(job["dns_sd_configs"][0]["names"] for job in scraped if job["job_name"] == "workers")
    assert set(shop["networks"]["default"]["aliases"]) <= set(names)
    dockerfile = (folder / "Dockerfile").read_text()
    assert "FROM bureau/tasks:" in dockerfile
    assert " AS tasks\n" in (DEPLOY / "Dockerfile").read_text()
    assert (folder / "shop/tasks.py").exists()
    assert '"-m", "bureau", "worker", "shop.tasks"' in dockerfile
