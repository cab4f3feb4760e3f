"""Defines an outage that a worker process reports, such as an open circuit breaker or an API that does not answer."""

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict

from bureau.contracts.base import clean_text
from bureau.secrets.redaction import scrub


def _short(letters: int) -> BeforeValidator:
    """Returns a validator that redacts secrets and cuts the text to `letters` characters.

    It cuts rather than refuses, because outages are written together with the worker's sign of life, which must not
    fail. It redacts before it cuts, because half a secret is not recognised.
    """

    def shorten(value: Any) -> Any:
        text = scrub(" ".join(clean_text(value).split())) if isinstance(value, str) else value
        return text if not isinstance(text, str) or len(text) <= letters else f"{text[: letters - 1]}…"

    return BeforeValidator(shorten)


class Outage(BaseModel):
    """Describes something that a worker cannot use.

    `name` names it (`smtp`), `how` says how it fails (`open circuit`), `since` is when that began, and `why` is the
    last error in words for people. Fields that a newer worker adds are ignored.
    """

    model_config = ConfigDict(frozen=True)

    name: Annotated[str, _short(60)]
    how: Annotated[str, _short(40)]
    since: AwareDatetime
    why: Annotated[str, _short(240)]
