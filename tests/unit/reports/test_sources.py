"""Tests which reader a URL gets, and that no error shows a URL."""

from pathlib import Path

import pytest

from bureau.services.reports.settings import load_settings
from bureau.services.reports.sources.mariadb_source import MariaDbSource
from bureau.services.reports.sources.postgres_source import PostgresSource
from bureau.services.reports.sources.sources import InvalidSources, open_sources
from bureau.services.reports.sources.sqlite_source import SqliteSource
from bureau.settings import SettingsError


@pytest.mark.parametrize(
    ("url", "reader"),
    [
        ("postgresql://u:secret@db/shop", PostgresSource),
        ("postgres://u:secret@db/shop?sslmode=require", PostgresSource),
        ("postgresql+psycopg://u:secret@db/shop", PostgresSource),
        ("mariadb://u:secret@db/shop", MariaDbSource),
        ("mysql+pymysql://u:secret@db/shop?ssl_ca=/etc/ca.pem", MariaDbSource),
        ("sqlite:///var/demo.db", SqliteSource),
        ("sqlite+pysqlite:////var/demo.db", SqliteSource),
    ],
)
def test_a_url_selects_its_reader(url: str, reader: type) -> None:
    sources = open_sources({"SOURCE_SHOP_URL": url, "SOURCE_OTHER_URL": "", "PATH": "/bin"})
    assert list(sources) == ["shop"]
    assert type(sources["shop"]) is reader
    assert "secret" not in repr(vars(sources["shop"]))


@pytest.mark.parametrize(
    ("url", "mend"),
    [
        ("secret", "use postgresql://user:password@host/database, sqlite:///path or another database URL"),
        (
            "nonsense://u:secret@db/shop",
            "use postgresql://user:password@host/database, sqlite:///path or another database URL",
        ),
        ("oracle+oracledb://u:secret@db/shop", "its driver is not installed: add the Python package oracledb"),
        ("sqlite://", "use sqlite:///path of a file"),
        ("sqlite:///:memory:", "use sqlite:///path of a file"),
        ("postgresql://u:secret@[db/shop", "use postgresql://user:password@host:5432/database"),
    ],
)
def test_an_invalid_url_is_reported_by_its_variable_and_never_shown(url: str, mend: str) -> None:
    with pytest.raises(InvalidSources) as error:
        open_sources({"SOURCE_SHOP_URL": url})
    assert error.value.errors[0].startswith(f"SOURCE_SHOP_URL: {mend}")
    assert "secret" not in str(error.value)


def test_settings_report_all_errors_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REPORTS_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(SettingsError) as error:
        load_settings({"SOURCE_A_URL": "nonsense", "SOURCE_B_URL": "sqlite://"})
    assert [mistake.split(":")[0] for mistake in error.value.errors] == [
        "SOURCE_A_URL",
        "SOURCE_B_URL",
        "REPORTS_DIR",
    ]


def test_reports_dir_holds_several_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("REPORTS_DIR", f"{tmp_path}:{tmp_path / 'other'}")
    settings, _ = load_settings({})
    assert settings.folders == [tmp_path, tmp_path / "other"]


def test_a_url_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgres://u:secret@db/shop\n")
    assert list(open_sources({"SOURCE_SHOP_URL_FILE": str(tmp_path / "url")})) == ["shop"]
    (tmp_path / "url").write_text("nonsense://u:secret@db/shop")
    with pytest.raises(InvalidSources) as error:
        open_sources({"SOURCE_SHOP_URL_FILE": str(tmp_path / "url"), "SOURCE_OTHER_URL_FILE": "/nowhere"})
    assert error.value.errors == [
        "SOURCE_OTHER_URL_FILE: /nowhere cannot be read (No such file or directory); "
        "name a file that this process may read",
        "SOURCE_SHOP_URL: use postgresql://user:password@host/database, sqlite:///path or another database URL",
    ]
