"""`manifest.csv`: what is in the archive, for people and programs."""

import csv
import io

NAME = "manifest.csv"
COLUMNS = ("file", "recipient", "email", "serial", "sha256")

# A spreadsheet runs a cell that begins so as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Manifest:
    """UTF-8 CSV, a line a certificate."""

    def __init__(self) -> None:
        self._text = io.StringIO(newline="")
        self._lines = csv.writer(self._text)
        self._lines.writerow(COLUMNS)

    def add(self, *, file: str, recipient: str, email: str, serial: str, sha256: str) -> None:
        self._lines.writerow([neutral(value) for value in (file, recipient, email, serial, sha256)])

    def encoded(self) -> bytes:
        return self._text.getvalue().encode("utf-8")


def neutral(value: str) -> str:
    """`value`, quoted with an apostrophe where a spreadsheet would run it."""
    return f"'{value}" if value.startswith(_FORMULA) else value
