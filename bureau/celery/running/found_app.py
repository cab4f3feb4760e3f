"""Finds the app that a command names: `-A config`, `-A config.celery`, `-A config:app`."""

import importlib
import importlib.util
import sys
from typing import Any

from bureau.celery.app.base import Celery
from bureau.celery.exceptions import ImproperlyConfigured

_NAMES = ("app", "celery")


def found_app(name: str) -> Celery:
    """Returns the app of a module or package. Raises `ImproperlyConfigured` if there is none."""
    if not name:
        raise ImproperlyConfigured("No app is named: pass -A config, or set BUREAU_CELERY_APP=config")
    if "" not in sys.path:
        sys.path.insert(0, "")  # the folder in which the command was started, as Celery's command has it
    module_name, _, attribute = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name.partition(".")[0]:
            raise
        raise ImproperlyConfigured(f"-A {name}: no module is called {module_name}; start it in your project") from error
    if attribute:
        return _checked(getattr(module, attribute, None), name)
    for found in _NAMES:
        if isinstance(getattr(module, found, None), Celery):
            return _checked(getattr(module, found), name)
    if hasattr(module, "__path__") and importlib.util.find_spec(f"{module_name}.celery"):
        return found_app(f"{module_name}.celery")
    apps = [value for value in vars(module).values() if isinstance(value, Celery)]
    return _checked(apps[0] if apps else None, name)


def _checked(app: Any, name: str) -> Celery:
    if not isinstance(app, Celery):
        raise ImproperlyConfigured(
            f"-A {name}: it has no app made with Celery(…). Is the name `celery` Bureau's? See docs/celery.md"
        )
    return app
