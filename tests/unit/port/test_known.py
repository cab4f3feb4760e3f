"""What `bureau port` says of the names layer is what the layer does."""

import importlib
import inspect

import pytest

from bureau.celery import Celery, Task, settings, signals
from bureau.celery.app import base, control, options
from bureau.celery.sending import options as sending
from bureau.port.judging import calls
from bureau.port.known import names
from bureau.port.known.settings import setting


@pytest.mark.parametrize(("module", "listed"), names.NAMES.items())
def test_every_name_that_moves_is_there(module: str, listed: str) -> None:
    found = importlib.import_module(f"bureau.{module}")
    assert [name for name in listed.split() if not hasattr(found, name)] == []


def test_the_signals_are_those_that_are_sent_and_the_others_have_a_reason() -> None:
    sent = {name for name, value in vars(signals).items() if isinstance(value, signals.Signal)}
    assert sent == names.SIGNALS
    assert signals.NEVER_SENT.keys() == names.SIGNAL_REASONS.keys()


def test_refused_options_are_told() -> None:
    assert options.REFUSED.keys() <= names.TASK_REASONS_BY_OPTION.keys()
    assert (sending._HONOURED | sending._WITHOUT_EFFECT | {"args", "kwargs"}) - {"serializer"} == names.CALL_OPTIONS
    assert sending._REFUSED.keys() <= names.CALL_REASONS_BY_OPTION.keys()


def test_refused_settings_are_told() -> None:
    assert {name for name in settings.REFUSED if setting(name)[0] != "by hand"} == set()
    assert {name for name in settings.DEFAULTS if setting(name)[0] == "by hand"} == set()


def test_control_and_apps_have_what_moves() -> None:
    assert [name for name in names.CONTROL if not hasattr(control.Control, name)] == []
    assert [name for name in names.INSPECT if not hasattr(control.Inspect, name)] == []
    assert control._REFUSED.keys() <= names.CONTROL_REASONS.keys()
    has = {name for name, _ in inspect.getmembers(Celery)} | {"conf", "main", "control", "Task"}
    assert [name for name in calls._APP if name not in has and name not in vars(Celery())] == []
    assert base._REFUSED.keys() & calls._APP == set()
    assert {"retry", "update_state", "s", "si", "signature", "apply"} <= {name for name, _ in inspect.getmembers(Task)}
