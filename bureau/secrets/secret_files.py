"""Reads secrets from files: `DATABASE_URL_FILE=/run/secrets/database_url` names a file that holds DATABASE_URL.

Everybody who may inspect a container or its processes can see a variable; a file has permissions.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

LARGEST_BYTES = 64 * 1024  # a secret is one line; a large file was named by mistake


def read_secret_files(environment: Mapping[str, str], variables: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Returns the values of those `variables` whose `<variable>_FILE` is set, and the errors.

    Values have no line break at the end. Each error is a line with the variable, the rule and how to fix it; it never
    contains a value.
    """
    values: dict[str, str] = {}
    errors: list[str] = []
    for variable in variables:
        path = environment.get(f"{variable}_FILE", "")
        if not path:
            continue
        if environment.get(variable):
            errors.append(f"{variable}_FILE: {variable} is set as well; set one of the two")
            continue
        try:
            values[variable] = _read(Path(path))
        except ValueError as error:
            errors.append(f"{variable}_FILE: {path} {error}")
    return values, errors


def _read(path: Path) -> str:
    """Returns the text of a file. Raises ValueError with the reason if it cannot be used."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror}); name a file that this process may read") from None
    if len(data) > LARGEST_BYTES:
        raise ValueError(f"has more than {LARGEST_BYTES} bytes; name a file that holds only the secret")
    try:
        return data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text; name a file that holds only the secret") from None
