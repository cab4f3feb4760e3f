"""Patterns of text parameters, matched in linear time: no value can make one backtrack.

The engine is the one in pydantic (Rust's regex), which refuses look-around and back-references when compiled.
"""

import re
from typing import Annotated

from pydantic import StringConstraints, TypeAdapter, ValidationError
from pydantic_core import SchemaError


class Pattern:
    """A regular expression that the whole value must match. Raises ValueError where it is none."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.anchored = f"^(?:{text})$"  # what JSON Schema needs, which searches anywhere
        try:
            _compiled(text)  # alone first: "a)|(b" would slip out of the anchors
            self._adapter = _compiled(self.anchored)
        except SchemaError as error:
            reason = re.sub(r"\s+", " ", str(error)).strip()
            raise ValueError(f"is not a pattern (no look-around, no back-references): {reason[-200:]}") from error

    def matches(self, value: str) -> bool:
        try:
            self._adapter.validate_python(value, strict=True)
        except ValidationError:
            return False
        return True


def _compiled(pattern: str) -> TypeAdapter[str]:
    return TypeAdapter(Annotated[str, StringConstraints(pattern=pattern)])
