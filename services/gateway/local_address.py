"""Defines the type of an answer's fields that hold an address of the gateway itself, such as a file's `url`."""

from typing import Annotated

from pydantic import PlainSerializer, SerializationInfo


def _with_prefix(address: str, info: SerializationInfo) -> str:
    return f"{(info.context or {}).get('root', '')}{address}"


LocalAddress = Annotated[str, PlainSerializer(_with_prefix, return_type=str)]
"""It begins with `/` and gets the path of PUBLIC_URL, `root` in the context, when the answer is written."""
