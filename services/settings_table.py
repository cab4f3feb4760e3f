"""Writes docs/settings.md from the settings classes: `python -m bureau.services.settings_table`; `--check` compares."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from bureau.services.certificates.issuer.settings import IssuerSettings
from bureau.services.certificates.settings import CertificatesSettings
from bureau.services.embedded.settings import EmbeddedSettings
from bureau.services.gateway.settings import GatewaySettings
from bureau.services.mailer.settings import MailerSettings
from bureau.services.reports.settings import ReportsSettings
from bureau.services.scheduler.settings import SchedulerSettings
from bureau.settings import LogSettings, OwnTasks, PlatformSettings, ServedSettings, Settings, WorkerSettings
from bureau.submission.requests.limits import RequestSettings

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/settings.md"

CLASSES: tuple[tuple[type[Settings], str], ...] = (  # a field is listed with the class that reads it first
    (LogSettings, "all but the issuer"),
    (PlatformSettings, "all but the issuer"),
    (RequestSettings, "gateway, scheduler"),
    (GatewaySettings, "gateway"),
    (SchedulerSettings, "scheduler"),
    (WorkerSettings, "workers"),
    (OwnTasks, "`bureau worker`, all in one process"),
    (ServedSettings, "`bureau worker`"),
    (CertificatesSettings, "certificates"),
    (IssuerSettings, "issuer, certificates with `builtin`"),
    (ReportsSettings, "reports"),
    (MailerSettings, "mailer"),
    (EmbeddedSettings, "all in one process"),
)

INTRODUCTION = """\
# Settings

Settings are environment variables. A variable that is unset or empty has its default. A process with an invalid value
does not start; it prints a line that says what is wrong and what to write. `make docs` makes this page from the
settings classes.

A variable with a **†** is a secret. The same name with `_FILE` may name a file that holds it instead
(`DATABASE_URL_FILE=/run/secrets/database_url`). Bureau never shows a secret, neither in logs nor in errors.

| variable | default | allowed | read by | meaning |
|---|---|---|---|---|
"""


@dataclass(frozen=True)
class SettingRow:
    """Holds a row of the table; `default` and `allowed` may be empty."""

    variable: str
    default: str
    allowed: str
    readers: str
    meaning: str
    secret: bool = False

    def __str__(self) -> str:
        name = f"`{self.variable}`{' †' if self.secret else ''}"
        default = f"`{self.default}`" if self.default else ""
        cells = (name, default, self.allowed, self.readers, self.meaning)
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


NOT_IN_CLASSES = (  # the names of these are variable, or not defined by Bureau
    SettingRow(
        "SOURCE_<NAME>_URL",
        "",
        "",
        "reports",
        'The database that reports name with `source = "<name>"`: `postgresql://…`, `mariadb://…`, `sqlite:///path` or '
        "any other that SQLAlchemy supports.",
        secret=True,
    ),
    SettingRow(
        "SOURCE_<NAME>_AT_A_TIME",
        "4",
        "1 to 100",
        "reports",
        "The maximum number of reports, and so of connections, that all workers together run on it at once.",
    ),
    SettingRow(
        "SOURCE_<NAME>_TIMEOUT_SECONDS", "1500", "up to 86400", "reports", "How long a statement on it may take."
    ),
    SettingRow(
        "AWS_ACCESS_KEY_ID",
        "",
        "",
        "all with `s3://`",
        "The access key of the storage's bucket; if unset, the machine's role is used.",
        True,
    ),
    SettingRow("AWS_SECRET_ACCESS_KEY", "", "", "all with `s3://`", "The secret of `AWS_ACCESS_KEY_ID`.", True),
    SettingRow(
        "AWS_SESSION_TOKEN", "", "", "all with `s3://`", "The session token, if the credentials are temporary.", True
    ),
    SettingRow(
        "AWS_REGION", "us-east-1", "", "all with `s3://`", "The bucket's region, unless `STORAGE_URL` names one."
    ),
    SettingRow(
        "TMPDIR",
        "",
        "",
        "gateway, certificates",
        "The temporary directory for uploads and archives while they are checked; it must be on disk.",
    ),
)


def rows() -> Iterator[SettingRow]:
    """Yields the rows of the table, each variable once."""
    seen: set[str] = set()
    for cls, readers in CLASSES:
        for name, field in cls.model_fields.items():
            variable = f"{cls.model_config.get('env_prefix', '')}{name}".upper()
            if variable not in seen:
                seen.add(variable)
                secret = variable in cls.secrets()
                yield SettingRow(variable, _default(field), _allowed(field), readers, field.description or "", secret)
    yield from NOT_IN_CLASSES


def page() -> str:
    """Returns the whole page as Markdown."""
    return INTRODUCTION + "".join(f"{row}\n" for row in rows())


def _default(field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=True)
    if isinstance(value, SecretStr):
        value = value.get_secret_value()  # a default is not secret
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value).replace(f"{ROOT}/", "")


def _allowed(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(field.annotation))
    least, most = "", ""
    for rule in field.metadata:
        match rule:
            case Ge(ge=bound):
                least = f"{bound} or more"
            case Gt(gt=bound):
                least = f"more than {bound}"
            case Le(le=bound):
                most = f"at most {bound}"
            case Lt(lt=bound):
                most = f"less than {bound}"
            case MinLen(min_length=bound):
                least = f"{bound} character or more"
            case MaxLen(max_length=bound):
                most = f"at most {bound}"
    return ", ".join(filter(None, (least, most)))


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print("usage: python -m bureau.services.settings_table [--check]", file=sys.stderr)
        return 2
    if not arguments:
        PAGE.write_text(page())
    elif not PAGE.exists() or PAGE.read_text() != page():
        print(f"{PAGE.relative_to(ROOT)} differs from the settings classes: run `make docs`.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
