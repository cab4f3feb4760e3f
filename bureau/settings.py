"""Settings from the environment: one small class a concern, all mistakes reported at once, secrets masked."""

import sys
from typing import NoReturn, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

S = TypeVar("S", bound="Settings")


class Settings(BaseSettings):
    """Reads its fields from environment variables of the same name; unset or empty means the default."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True)


class PlatformSettings(Settings):
    """What every process needs: where the ledger, the broker and the files are."""

    database_url: SecretStr = SecretStr("sqlite:///var/bureau.db")
    broker_url: SecretStr = SecretStr("memory://")
    storage_url: SecretStr = SecretStr("file://var/storage")
    log_format: str = "auto"  # `json`, `text`, or `auto`: text on a terminal
    log_level: str = "INFO"
    grace_seconds: float = Field(default=25.0, ge=0, le=3600)  # a stop waits so long for what runs

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if url.startswith("postgres://"):  # what hosting platforms hand out
            return SecretStr("postgresql+psycopg://" + url.removeprefix("postgres://"))
        if url.startswith("postgresql://"):
            return SecretStr("postgresql+psycopg://" + url.removeprefix("postgresql://"))
        if not url.startswith(("postgresql+psycopg://", "sqlite:///")):
            raise ValueError("use postgresql+psycopg://user:password@host/database or sqlite:///path")
        return value

    @field_validator("broker_url")
    @classmethod
    def _known_broker(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("amqp://", "amqps://", "memory://")):
            raise ValueError("use amqp://user:password@host:5672/vhost, amqps://… or memory://")
        return value

    def refuse_memory_broker(self, process: str) -> None:
        """Raises `SettingsError` where `process` would wait for hints that only the embedded process sends itself."""
        if self.broker_url.get_secret_value().startswith("memory://"):
            raise SettingsError(
                [
                    f"BROKER_URL: memory:// reaches one process only; for {process} of its own use "
                    "amqp://user:password@host:5672/vhost, or run all in one: python -m services.embedded"
                ]
            )

    @field_validator("storage_url")
    @classmethod
    def _known_storage(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("file://", "s3://")):
            raise ValueError("use file://path or s3://bucket/prefix")
        return value


def load(*classes: type[S]) -> tuple[S, ...]:
    """One instance of each class, in order.

    Raises `SettingsError`, listing every mistake in all of them by variable, rule and mend; never a value.
    """
    loaded: list[S] = []
    mistakes: list[str] = []
    for cls in classes:
        try:
            loaded.append(cls())
        except ValidationError as error:
            mistakes += [
                f"{str(e['loc'][0]).upper()}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()
            ]
    if mistakes:
        raise SettingsError(mistakes)
    return tuple(loaded)


class SettingsError(Exception):
    """The environment is wrong; `mistakes` holds a line for each."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes

    def exit(self) -> NoReturn:
        """Says every mistake on stderr and leaves with status 2."""
        print("Bureau cannot start, the settings are wrong:", file=sys.stderr)
        for mistake in self.mistakes:
            print(f"  {mistake}", file=sys.stderr)
        sys.exit(2)
