"""Tests that settings report all errors at once and never show a secret."""

import traceback
from pathlib import Path
from typing import assert_type

import pytest
from pydantic import SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from bureau.settings import LogSettings, PlatformSettings, Settings, SettingsError, load


class ShopSettings(Settings):
    """As a service has them."""

    shop_key: SecretStr
    shop_batch: int = 10
    shop_hosts: list[str] = []


class PrefixedSettings(Settings):
    """Its variables start with SHOP_."""

    model_config = SettingsConfigDict(env_prefix="shop_")

    timeout_seconds: float = 5.0


class PairSettings(Settings):
    """A rule over two fields."""

    smallest: int = 1
    largest: int = 10

    @model_validator(mode="after")
    def _ordered(self) -> "PairSettings":
        if self.smallest > self.largest:
            raise ValueError("SMALLEST is more than LARGEST; raise LARGEST")
        return self


def errors(*classes: type[Settings]) -> list[str]:
    with pytest.raises(SettingsError) as error:
        load(*classes)
    return error.value.errors


def test_an_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_URL", "")
    assert load(PlatformSettings)[0].broker_url.get_secret_value() == "memory://"


def test_several_classes_come_back_in_order_with_their_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "k")
    monkeypatch.setenv("SHOP_TIMEOUT_SECONDS", "2.5")
    loaded = load(PlatformSettings, ShopSettings, PrefixedSettings)
    assert_type(loaded, tuple[PlatformSettings, ShopSettings, PrefixedSettings])
    assert [type(settings) for settings in loaded] == [PlatformSettings, ShopSettings, PrefixedSettings]
    assert loaded[2].timeout_seconds == 2.5


def test_all_errors_of_all_classes_are_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DATABASE_URL": "mysql://root:hunter2@db/bureau",
        "BROKER_URL": "redis://:hunter2@cache",
        "STORAGE_URL": "s3://key:hunter2@bucket",
        "LOG_FORMAT": "xml",
        "SHOP_BATCH": "hunter2",
        "SHOP_TIMEOUT_SECONDS": "soon",
        "SMALLEST": "11",
    }.items():
        monkeypatch.setenv(name, value)

    reported = errors(PlatformSettings, LogSettings, ShopSettings, PrefixedSettings, PairSettings)

    assert sorted(reported) == [
        "BROKER_URL: use amqp://user:password@host:5672/vhost, amqps://… or memory://",
        "DATABASE_URL: use postgresql+psycopg://user:password@host/database or sqlite:///path",
        "LOG_FORMAT: Input should be 'auto', 'json' or 'text'",
        "SHOP_BATCH: Input should be a valid integer, unable to parse string as an integer",
        "SHOP_KEY: Field required",
        "SHOP_TIMEOUT_SECONDS: Input should be a valid number, unable to parse string as a number",
        "SMALLEST is more than LARGEST; raise LARGEST",
        "STORAGE_URL: write only the bucket's name after s3://; set credentials in AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY, another server as ?endpoint=https://host",
    ]


def test_a_list_that_is_not_json_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_HOSTS", "hunter2,b")
    assert errors(ShopSettings, PairSettings) == ["SHOP_HOSTS: write it as JSON"]


@pytest.mark.parametrize(
    ("given", "understood"),
    [
        ("postgres://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgresql+psycopg://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("sqlite:///x.db", "sqlite:///x.db"),
    ],
)
def test_database_urls_of_hosting_platforms_are_accepted(
    monkeypatch: pytest.MonkeyPatch, given: str, understood: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", given)
    assert load(PlatformSettings)[0].database_url.get_secret_value() == understood


def test_format_and_level_are_read_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_FORMAT", "JSON")
    monkeypatch.setenv("LOG_LEVEL", "debug")
    (settings,) = load(LogSettings)
    assert (settings.log_format, settings.log_level) == ("json", "DEBUG")


def test_secrets_are_masked_in_repr_and_dump(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://u:hunter2@h/d")
    monkeypatch.setenv("BROKER_URL", "amqp://u:hunter2@h")
    (settings,) = load(PlatformSettings)
    for text in (repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()):
        assert "hunter2" not in text
        assert "**********" in text


def test_no_secret_is_in_an_error_nor_in_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "BROKER_URL", "STORAGE_URL"):
        monkeypatch.setenv(name, "ftp://u:hunter2@h")
    with pytest.raises(SettingsError) as error:
        load(PlatformSettings)
    assert "hunter2" not in "".join(traceback.format_exception(error.value))


def test_a_process_with_invalid_settings_prints_every_error_and_exits_with_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "loud")
    with pytest.raises(SettingsError) as error:
        load(PlatformSettings, ShopSettings)
    with pytest.raises(SystemExit) as end:
        error.value.exit()
    assert end.value.code == 2
    assert capsys.readouterr().err.splitlines() == [
        "Bureau cannot start because of invalid settings:",
        "  LOG_LEVEL: Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'",
        "  SHOP_KEY: Field required",
    ]


def secret_file(folder: Path, text: str) -> str:
    path = folder / "secret"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_is_read_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    monkeypatch.setenv("SHOP_KEY_FILE", secret_file(tmp_path, f"hunter2 {end}"))
    assert load(ShopSettings)[0].shop_key.get_secret_value() == "hunter2 "


def test_a_value_from_a_file_is_checked_by_the_same_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL_FILE", secret_file(tmp_path, "postgres://u:p@h/d\n"))
    assert load(PlatformSettings)[0].database_url.get_secret_value() == "postgresql+psycopg://u:p@h/d"
    monkeypatch.setenv("DATABASE_URL_FILE", secret_file(tmp_path, "mysql://root:hunter2@db/bureau"))
    assert errors(PlatformSettings) == [
        "DATABASE_URL: use postgresql+psycopg://user:password@host/database or sqlite:///path"
    ]


def test_an_empty_file_means_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_URL_FILE", secret_file(tmp_path, "\n"))
    assert load(PlatformSettings)[0].broker_url.get_secret_value() == "memory://"


def test_only_secrets_are_read_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "k")
    monkeypatch.setenv("SHOP_BATCH_FILE", secret_file(tmp_path, "3"))
    assert load(ShopSettings)[0].shop_batch == 10


def test_an_error_about_a_secret_file_does_not_show_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "binary").write_bytes(b"hunter2\xff")
    (tmp_path / "large").write_bytes(b"hunter2" * 10_000)
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "missing"))
    monkeypatch.setenv("BROKER_URL_FILE", str(tmp_path / "binary"))
    monkeypatch.setenv("STORAGE_URL_FILE", str(tmp_path / "large"))
    monkeypatch.setenv("SHOP_KEY", "hunter2")
    monkeypatch.setenv("SHOP_KEY_FILE", secret_file(tmp_path, "hunter2"))
    assert errors(PlatformSettings, ShopSettings) == [
        f"DATABASE_URL_FILE: {tmp_path}/missing cannot be read (No such file or directory); "
        "name a file that this process may read",
        f"BROKER_URL_FILE: {tmp_path}/binary is not UTF-8 text; name a file that holds only the secret",
        f"STORAGE_URL_FILE: {tmp_path}/large has more than 65536 bytes; name a file that holds only the secret",
        "SHOP_KEY_FILE: SHOP_KEY is set as well; set one of the two",
    ]
