"""`*_FILE` for secrets: `DATABASE_URL_FILE=/run/secrets/database_url` names a file that holds DATABASE_URL.

A variable is seen by everybody who may inspect a container or its processes; a file has permissions.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

LARGEST_BYTES = 64 * 1024  # a secret is a line; a large file was named by mistake


def read_secret_files(environment: Mapping[str, str], variables: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """The values of those `variables` whose `<variable>_FILE` is set, without the line break at the end; and what is
    wrong, a line each by variable, rule and mend, never a value."""
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
    """Raises ValueError that says what is wrong with the file."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror}); name a file this process may read") from None
    if len(data) > LARGEST_BYTES:
        raise ValueError(f"has more than {LARGEST_BYTES} bytes; name a file with the secret alone")
    try:
        return data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text; name a file with the secret alone") from None
