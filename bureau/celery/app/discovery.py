"""Imports the modules in which a project's tasks are."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

Packages = Sequence[str] | Callable[[], Sequence[str]] | None


class Discovery:
    """Collects what is to be imported, and imports it once: by then Django must be set up."""

    def __init__(self) -> None:
        self._found: list[tuple[Packages, str | None]] = []
        self._ran = False

    def add(self, packages: Packages, related_name: str | None) -> None:
        self._found.append((packages, related_name))
        self._ran = False

    def run(self, modules: Iterable[str] = ()) -> bool:
        """Imports everything; returns whether there was something to do."""
        if self._ran:
            return False
        self._ran = True
        for module in modules:
            importlib.import_module(module)
        for packages, related_name in self._found:
            for package in _names(packages):
                _import_related(package, related_name)
        return True


def _names(packages: Packages) -> Sequence[str]:
    if packages is None:
        return _django_apps()
    return packages() if callable(packages) else [packages] if isinstance(packages, str) else packages


def _django_apps() -> list[str]:
    if "django.conf" not in sys.modules:
        return []
    import django
    from django.apps import apps

    if not apps.ready and not apps.apps_ready:
        django.setup()
    return [config.name for config in apps.get_app_configs()]


def _import_related(package: str, related_name: str | None) -> Any:
    """Imports a package's module of tasks, if it has one."""
    if not related_name:
        return importlib.import_module(package)
    name = f"{package}.{related_name}"
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    return importlib.import_module(name) if found else None
