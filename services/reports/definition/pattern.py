"""Matches the patterns of text parameters in linear time, so that no value can cause backtracking.

The engine is that of pydantic (Rust's regex), which refuses look-around and back-references when it compiles a pattern.
"""

import re
from typing import Annotated

from pydantic import StringConstraints, TypeAdapter, ValidationError
from pydantic_core import SchemaError


class Pattern:
    """Holds a regular expression that must match the whole value. The constructor raises ValueError if invalid."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.anchored = f"^(?:{text})$"  # for JSON Schema, which searches anywhere in the text
        try:
            _compile(text)  # compiled alone first, because "a)|(b" would escape the anchors
            self._adapter = _compile(self.anchored)
        except SchemaError as error:
            reason = re.sub(r"\s+", " ", str(error)).strip()
            raise ValueError(f"is not a pattern (no look-around, no back-references): {reason[-200:]}") from error

    def matches(self, value: str) -> bool:
        try:
            self._adapter.validate_python(value, strict=True)
        except ValidationError:
            return False
        return True


def _compile(pattern: str) -> TypeAdapter[str]:
    return TypeAdapter(Annotated[str, StringConstraints(pattern=pattern)])
