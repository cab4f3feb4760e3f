"""deploy/Dockerfile: each image copies and installs all that its process imports."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.support.running.processes import ROOT

ENTRIES = {
    "gateway": "bureau.services.gateway.wsgi, bureau.observability.gunicorn_records, bureau.services.gateway.keys, "
    "deploy.prepare, deploy.make_secrets",
    "scheduler": "bureau.services.scheduler.__main__, bureau.ledger.__main__",
    "certificates": "bureau.services.certificates.worker",
    "reports": "bureau.services.reports.worker, bureau.services.reports.demo",
    "mailer": "bureau.services.mailer.worker",
    "issuer": "bureau.services.certificates.issuer.wsgi, bureau.observability.gunicorn_records",
    "tasks": "examples.suma.tasks, bureau.worker",
}
LATER = "import alembic.command"  # when the ledger is migrated: every process but the issuer looks at its tables
ENV = {"BROKER_URL": "amqp://u:p@broker/", "DATABASE_URL": "postgres://u:p@db/d", "STORAGE_URL": "file:///nowhere"}
STAGES = re.split(r"^FROM ", (ROOT / "deploy/Dockerfile").read_text(), flags=re.MULTILINE)


def stage(name: str) -> str:
    return next(text for text in STAGES if re.match(rf"\S+ AS {name}\n", text))


def copied(name: str) -> list[tuple[list[str], str]]:
    """Sources and destination of each COPY from the repository."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", stage(name), re.MULTILINE)
    return [(parts[:-1], parts[-1]) for parts in map(str.split, lines)]


def locked(name: str) -> set[str]:
    """The libraries of its virtual environment, and of those it was made upon."""
    from_stage = re.search(r"^COPY --from=(\S+) /opt/venv", stage(name), re.MULTILINE)
    assert from_stage
    files = {"scheduler"} | ({name} if from_stage[1] != "install" else set())
    lines = "".join((ROOT / f"requirements/services/{file}.txt").read_text() for file in files)
    return set(re.findall(r"^([a-z0-9-]+)==", lines, re.MULTILINE))


@pytest.fixture
def image(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The image's working folder."""
    for sources, destination in copied(request.param):
        for source in sources:
            into = tmp_path / destination / Path(source).name if destination.endswith("/") else tmp_path / destination
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, into, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, into)
    return tmp_path


LIMITED = """
import sys
import tomllib

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {hidden!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}} in this image", name=name)

sys.meta_path.insert(0, NotInstalled())
sys.path[0] = "."
import {entries}
{later}
"""


@pytest.mark.parametrize(("image", "name"), [(name, name) for name in ENTRIES], indirect=["image"])
def test_an_image_holds_all_that_its_process_imports(image: Path, name: str) -> None:
    installed = locked(name)
    hidden = {
        module
        for module, distributions in packages_distributions().items()
        if not installed & {re.sub(r"[-_.]+", "-", distribution).lower() for distribution in distributions}
    }
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            LIMITED.format(hidden=hidden, entries=ENTRIES[name], later="" if name == "issuer" else LATER),
        ],
        cwd=image,
        env={**environment, **ENV},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_image_of_the_compose_file_is_a_target() -> None:
    compose = (ROOT / "deploy/docker-compose.yml").read_text()
    assert set(re.findall(r"target: (\w+)", compose)) == set(ENTRIES) - {"tasks"}


def pins(path: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", (ROOT / path).read_text(), re.MULTILINE))


@pytest.mark.parametrize("service", sorted(set(ENTRIES) - {"tasks"}))
def test_the_libraries_of_a_service_are_those_of_the_project(service: str) -> None:
    """`make lock` writes all of them at once."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["worker"], *extras[service]]
    assert wanted.pop(wanted.index("bureau-jobs[worker]"))
    pinned = pins(f"requirements/services/{service}.txt")
    assert {re.split(r"[\[<>=,]", requirement)[0] for requirement in wanted} <= set(pinned)
    assert pinned.items() <= pins("requirements/runtime.txt").items()
