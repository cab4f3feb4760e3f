"""A Django project, examples/django_shop, beside a Bureau in one process that runs its tasks."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.running.embedded import EmbeddedBureau
from tests.support.running.processes import ROOT

PROJECT = ROOT / "examples" / "django_shop"


@dataclass(frozen=True)
class Shop:
    """Holds the Bureau, and the environment that the project's own processes need."""

    bureau: EmbeddedBureau
    env: dict[str, str]


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The project is set up in this process too, which can have one only."""
    folder: Path = tmp_path_factory.mktemp("django")
    env = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DB": str(folder / "shop.sqlite3"),
        "MEDIA_ROOT": str(folder / "media"),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(PROJECT)]),
    }
    with EmbeddedBureau(folder / "bureau", env={**env, "TASKS": "bureau.django.worker"}) as bureau:
        env["BUREAU_URL"] = bureau.api.url
        os.environ |= {name: value for name, value in env.items() if name != "PYTHONPATH"}
        sys.path.insert(0, str(PROJECT))
        _set_up()
        bureau.start()
        yield Shop(bureau, env)


def _set_up() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


@pytest.fixture
def settings_of_mail(shop: Shop) -> Iterator[None]:
    from django.test import override_settings

    with override_settings(EMAIL_BACKEND="bureau.django.mail.EmailBackend"):
        yield
