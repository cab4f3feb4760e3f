"""What a worker process cannot use for now, as it says itself: an open circuit, an API that does not answer."""

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict

from bureau.contracts.base import clean_text
from bureau.secrets.redaction import scrub


def _short(letters: int) -> BeforeValidator:
    """Cut and not refused: it is said beside the sign of life, which must not fail of it. Scrubbed before that: half a
    secret is not recognised."""

    def shorten(value: Any) -> Any:
        text = scrub(" ".join(clean_text(value).split())) if isinstance(value, str) else value
        return text if not isinstance(text, str) or len(text) <= letters else f"{text[: letters - 1]}…"

    return BeforeValidator(shorten)


class Outage(BaseModel):
    """`name` of what is away (`smtp`), `how` (`open circuit`), since when, and what was met last, in words for people.

    Fields that a newer worker adds are passed over.
    """

    model_config = ConfigDict(frozen=True)

    name: Annotated[str, _short(60)]
    how: Annotated[str, _short(40)]
    since: AwareDatetime
    why: Annotated[str, _short(240)]
