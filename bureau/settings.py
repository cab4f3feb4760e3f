"""Reads settings from the environment: one small class per concern, all errors at once, secrets masked."""

import os
import re
import sys
from collections.abc import Iterator
from typing import Any, Literal, NoReturn, TypeVar, get_args, overload

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableValue

from bureau.contracts.jobs.jobs import QUEUE_NAME
from bureau.secrets import redaction
from bureau.secrets.secret_files import read_secret_files
from bureau.storage.backends import S3_SECRETS, backend_from_url

A = TypeVar("A", bound="Settings")
B = TypeVar("B", bound="Settings")
C = TypeVar("C", bound="Settings")
D = TypeVar("D", bound="Settings")
E = TypeVar("E", bound="Settings")


class Settings(BaseSettings):
    """Reads its fields from environment variables of the same name; an unset or empty one means the default.

    A secret (`SecretStr`) may also be in a file that `<variable>_FILE` names.
    """

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Prefers variables to files. It reads no `.env` file; the program that starts the process may do that."""
        return init_settings, env_settings, SecretFiles(settings_cls)

    @classmethod
    def secrets(cls) -> dict[str, str]:
        """Returns the environment variables of the secret fields, with the fields' names."""
        return {
            _variable(cls, name): name
            for name, field in cls.model_fields.items()
            if field.annotation is SecretStr or SecretStr in get_args(field.annotation)
        }

    def secret_values(self) -> Iterator[SecretStr]:
        values = (getattr(self, name) for name in self.secrets().values())
        return (value for value in values if isinstance(value, SecretStr))


class SecretFiles(PydanticBaseSettingsSource):
    """Reads the secrets of a class whose `<variable>_FILE` is set. `load` reports errors of the files."""

    def __call__(self) -> dict[str, Any]:
        secrets = self.settings_cls.secrets() if issubclass(self.settings_cls, Settings) else {}
        values, _ = read_secret_files(os.environ, secrets)
        return {secrets[variable]: value for variable, value in values.items() if value}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Raises NotImplementedError; it is not used, because `__call__` reads all fields at once."""
        raise NotImplementedError


class LogSettings(Settings):
    """Holds the settings of logging."""

    log_format: Literal["auto", "json", "text"] = Field(
        default="auto", description="`auto`: text on a terminal, otherwise JSON."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="The lowest level that is logged."
    )

    @field_validator("log_format", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value


class PlatformSettings(LogSettings):
    """Holds the settings that every process needs: ledger, broker and storage."""

    database_url: SecretStr = Field(
        default=SecretStr("sqlite:///var/bureau.db"),
        description="The ledger's database: `postgresql+psycopg://user:password@host/database` (also `postgres://`) "
        "or `sqlite:///path`. A pooler in transaction mode, such as PgBouncer, is recognized; then no statement is "
        "prepared on the server, unless `?prepared_statements=on` says that the pooler tracks them (PgBouncer 1.21 "
        "with `max_prepared_statements`). `?prepared_statements=off` prepares none anywhere.",
    )
    broker_url: SecretStr = Field(
        default=SecretStr("memory://"),
        description="RabbitMQ: `amqp://user:password@host:5672/vhost` or `amqps://…` (several, separated by `;`: the "
        "first that answers is used); `memory://` if everything runs in one process.",
    )
    storage_url: SecretStr = Field(
        default=SecretStr("file://var/storage"),
        description="Storage for uploads and artifacts, shared by all processes: `file://relative/path`, "
        "`file:///absolute/path` or `s3://bucket/prefix?endpoint=https://host&region=…`.",
    )
    grace_seconds: float = Field(
        default=25.0, ge=0, le=3600, description="How long a stopping process waits for running tasks."
    )
    health_bind: str = Field(
        default="",
        pattern=r"^$|^.+:\d+$",
        description="`host:port` for `/healthz` and `/metrics` of workers and scheduler; if the port is taken, the "
        "next free one is used.",
    )

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if url.startswith("postgres://"):  # the form that hosting platforms give
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
        """Raises `SettingsError` for memory://, where `process` would wait for hints from another process for ever.

        Only the embedded process sends hints to itself.
        """
        if self.broker_url.get_secret_value().startswith("memory://"):
            raise SettingsError(
                [
                    f"BROKER_URL: memory:// works within one process only; for {process} use "
                    "amqp://user:password@host:5672/vhost, or run all in one: bureau run"
                ]
            )

    @field_validator("storage_url")
    @classmethod
    def _known_storage(cls, value: SecretStr) -> SecretStr:
        backend_from_url(value.get_secret_value())
        if value.get_secret_value().startswith("s3://") and (
            file_errors := read_secret_files(os.environ, S3_SECRETS)[1]
        ):
            raise ValueError("; ".join(file_errors))
        return value


class WorkerSettings(Settings):
    """Holds the settings of processes that run tasks."""

    concurrency: int = Field(
        default=500,
        ge=1,
        le=50_000,
        description="The number of `async def` tasks of a service that run at once in one process. Other tasks run on "
        "threads (`--threads`).",
    )


class OwnTasks(Settings):
    """Holds the setting of processes that run a user's own tasks."""

    queues: str = Field(
        default="",
        description="The queues on which your own tasks are served, separated by commas or spaces. Without it "
        "`bureau worker` serves each task on its own queue, and `bureau run` each of your tasks on the queues of all; "
        "`bureau run` serves these queues besides. `bureau worker --queue` sets it.",
    )

    @field_validator("queues")
    @classmethod
    def _queue_names(cls, value: str) -> str:
        if wrong := [name for name in words(value) if not re.fullmatch(QUEUE_NAME, name)]:
            raise ValueError(f"{wrong[0]!r:.60} is no name of a queue: a-z, 0-9, _ and -, a letter first, at most 40")
        return value

    @property
    def queue_names(self) -> list[str]:
        return words(self.queues)


def words(value: str) -> list[str]:
    """Returns the words of a setting that are separated by commas or spaces, each once."""
    return list(dict.fromkeys(value.replace(",", " ").split()))


class ServedSettings(OwnTasks):
    """Holds the settings of `bureau.worker`, which its command `bureau worker` makes of its arguments."""

    services: str = Field(
        default="",
        description="Bureau's own services that `bureau worker` runs besides the tasks of its modules, separated by "
        "commas or spaces: `certificates`, `mailer`, `reports`. The command sets it.",
    )

    @property
    def names(self) -> list[str]:
        return words(self.services)


@overload
def load(a: type[A], /) -> tuple[A]: ...
@overload
def load(a: type[A], b: type[B], /) -> tuple[A, B]: ...
@overload
def load(a: type[A], b: type[B], c: type[C], /) -> tuple[A, B, C]: ...
@overload
def load(a: type[A], b: type[B], c: type[C], d: type[D], /) -> tuple[A, B, C, D]: ...
@overload
def load(a: type[A], b: type[B], c: type[C], d: type[D], e: type[E], /) -> tuple[A, B, C, D, E]: ...
def load(*classes: type[Settings]) -> tuple[Settings, ...]:
    """Returns one instance of each class, in order.

    Raises `SettingsError` with all errors of all classes: the variable, the rule and how to fix it, but never a value.
    """
    loaded: list[Settings] = []
    errors: list[str] = []
    for cls in classes:
        errors += read_secret_files(os.environ, cls.secrets())[1]
        try:
            loaded.append(cls())
        except ValidationError as error:
            errors += _errors(cls, error)
        except UnreadableValue as error:  # pydantic-settings stops at the first one of a class and names only the field
            errors += [f"{_variable(cls, name)}: write it as JSON" for name in re.findall(r'field "(\w+)"', str(error))]
    if errors:
        raise SettingsError(list(dict.fromkeys(errors)))  # classes may share a field
    redaction.keep(secret.get_secret_value() for settings in loaded for secret in settings.secret_values())
    return tuple(loaded)


def _errors(cls: type[Settings], error: ValidationError) -> Iterator[str]:
    for item in error.errors(include_input=False, include_url=False):
        rule = item["msg"].removeprefix("Value error, ")
        location = item["loc"]  # empty if a validator of the whole class refused
        yield f"{_variable(cls, str(location[0]))}: {rule}" if location else rule


def _variable(cls: type[Settings], field: str) -> str:
    return f"{cls.model_config.get('env_prefix', '')}{field}".upper()


class SettingsError(Exception):
    """Says that the environment is invalid; `errors` holds a line for each error."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors

    def exit(self) -> NoReturn:
        """Prints every error on stderr and exits with status 2."""
        print("Bureau cannot start because of invalid settings:", file=sys.stderr)
        for error in self.errors:
            print(f"  {error}", file=sys.stderr)
        sys.exit(2)
