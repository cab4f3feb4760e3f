"""Settings from the environment: one small class a concern, all mistakes reported at once, secrets masked."""

import re
import sys
from collections.abc import Iterator
from typing import Literal, NoReturn, TypeVar, overload

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableValue

from bureau.storage.backends import backend_from_url

A = TypeVar("A", bound="Settings")
B = TypeVar("B", bound="Settings")
C = TypeVar("C", bound="Settings")
D = TypeVar("D", bound="Settings")


class Settings(BaseSettings):
    """Reads its fields from environment variables of the same name; unset or empty means the default."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True)


class LogSettings(Settings):
    """How a process logs."""

    log_format: Literal["auto", "json", "text"] = "auto"  # auto: text on a terminal, else JSON
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("log_format", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value


class PlatformSettings(LogSettings):
    """What every process needs: where the ledger, the broker and the files are."""

    database_url: SecretStr = SecretStr("sqlite:///var/bureau.db")
    broker_url: SecretStr = SecretStr("memory://")
    storage_url: SecretStr = SecretStr("file://var/storage")
    grace_seconds: float = Field(default=25.0, ge=0, le=3600)  # a stop waits so long for what runs
    health_bind: str = Field(default="", pattern=r"^$|^.+:\d+$")  # host:port for /healthz of workers and scheduler

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
        backend_from_url(value.get_secret_value())
        return value


@overload
def load(a: type[A], /) -> tuple[A]: ...
@overload
def load(a: type[A], b: type[B], /) -> tuple[A, B]: ...
@overload
def load(a: type[A], b: type[B], c: type[C], /) -> tuple[A, B, C]: ...
@overload
def load(a: type[A], b: type[B], c: type[C], d: type[D], /) -> tuple[A, B, C, D]: ...
def load(*classes: type[Settings]) -> tuple[Settings, ...]:
    """One instance of each class, in order.

    Raises `SettingsError`, listing every mistake in all of them by variable, rule and mend; never a value.
    """
    loaded: list[Settings] = []
    mistakes: list[str] = []
    for cls in classes:
        try:
            loaded.append(cls())
        except ValidationError as error:
            mistakes += _mistakes(cls, error)
        except UnreadableValue as error:  # pydantic-settings stops at the first of a class, naming the field alone
            mistakes += [
                f"{_variable(cls, name)}: write it as JSON" for name in re.findall(r'field "(\w+)"', str(error))
            ]
    if mistakes:
        raise SettingsError(list(dict.fromkeys(mistakes)))  # classes may share a field
    return tuple(loaded)


def _mistakes(cls: type[Settings], error: ValidationError) -> Iterator[str]:
    for mistake in error.errors(include_input=False, include_url=False):
        rule = mistake["msg"].removeprefix("Value error, ")
        place = mistake["loc"]  # empty where a validator of the whole class refused
        yield f"{_variable(cls, str(place[0]))}: {rule}" if place else rule


def _variable(cls: type[Settings], field: str) -> str:
    return f"{cls.model_config.get('env_prefix', '')}{field}".upper()


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
