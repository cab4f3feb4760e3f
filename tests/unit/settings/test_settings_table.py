"""docs/settings.md: every setting is in it, with a meaning, and it is what the classes say."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import bureau
from bureau.services import settings_table
from bureau.settings import Settings


def all_settings(cls: type[Settings] = Settings) -> Iterator[type[Settings]]:
    for sub in cls.__subclasses__():
        if sub.__module__.startswith("bureau."):
            yield sub
        yield from all_settings(sub)


def test_the_page_is_what_the_classes_say() -> None:
    assert settings_table.PAGE.read_text() == settings_table.page(), "run `make docs`"


def test_every_settings_class_is_in_the_table() -> None:
    """Or has fields of those that are, like a command's that reads one of the gateway's."""
    for package in (bureau,):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.", onerror=needs_a_project):
            if module.name.rpartition(".")[2] == "settings":
                importlib.import_module(module.name)
    listed = {cls for cls, _ in settings_table.CLASSES}
    fields = {name for cls in listed for name in cls.model_fields}
    assert listed <= set(all_settings())
    assert [cls for cls in all_settings() if cls not in listed and not cls.model_fields.keys() <= fields] == []


def needs_a_project(name: str) -> None:
    """Of Bureau's packages, only Django's own kind cannot be imported outside of a project."""
    assert name.startswith("bureau.django."), name


def test_every_setting_has_a_meaning() -> None:
    assert [row.variable for row in settings_table.rows() if not row.meaning.endswith(".")] == []


def test_a_variable_is_named_once() -> None:
    variables = [row.variable for row in settings_table.rows()]
    assert sorted(set(variables)) == sorted(variables)


def test_no_default_depends_on_the_machine() -> None:
    assert str(settings_table.ROOT) not in settings_table.page()


def test_secrets_are_marked() -> None:
    marked = {row.variable for row in settings_table.rows() if row.secret}
    assert {"DATABASE_URL", "BROKER_URL", "MAIL_URL", "SENDGRID_API_KEY", "SOURCE_<NAME>_URL"} <= marked
    assert "MAIL_FROM" not in marked


def test_a_bar_in_a_meaning_does_not_end_its_cell() -> None:
    assert str(settings_table.SettingRow("A", "", "", "all", "this|that")) == r"| `A` |  |  | all | this\|that |"


def test_check_says_what_to_run_where_the_page_is_old(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert settings_table.main(["--check"]) == 0
    monkeypatch.setattr(settings_table, "INTRODUCTION", "# Another page\n")
    assert settings_table.main(["--check"]) == 1
    assert "make docs" in capsys.readouterr().err
