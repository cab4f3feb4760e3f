"""Certificates as PDF/A-2b, set by Typst. The same input makes the same bytes."""

import io
import json
import re
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import segno
import typst

TEMPLATE = Path(__file__).with_name("certificate.typ")
# PDF/A wants a date of the document. Where the roster gives none in ISO form, one that is plainly no date.
NO_DATE = date(2000, 1, 1)

_UNDRAWABLE = re.compile(r'the text `"(.+?)"` could not be displayed')


@dataclass(frozen=True)
class Certificate:
    """What stands on the page; "" leaves its line out."""

    organisation: str
    recipient: str
    course: str
    date: str
    hours: str
    grade: str
    id: str
    serial: str


class CannotDrawError(Exception):
    """No font has these characters."""

    def __init__(self, characters: str) -> None:
        super().__init__(characters)
        self.characters = characters


class Typesetter:
    """Threads may share one: each gets its own compiler, over the same fonts.

    Nothing of Typst is touched before the first certificate, since it hangs in a child forked after its first use.
    """

    def __init__(self, fonts_dir: Path | None) -> None:
        self._fonts_dir = fonts_dir
        self._lock = threading.Lock()
        self._fonts: typst.Fonts | None = None
        self._thread = threading.local()

    def pdf(self, certificate: Certificate) -> bytes:
        """Raises `CannotDrawError` for characters that no font has."""
        issued = _iso_date(certificate.date) or NO_DATE
        data = {**asdict(certificate), "issued": [issued.year, issued.month, issued.day]}
        try:
            pdf = self._compiler().compile(
                format="pdf",
                pdf_standards=["a-2b"],
                # Data reach the template as JSON in an input, where no markup is read from them.
                sys_inputs={"certificate": json.dumps(data), "qr": qr_svg(certificate)},
            )
        except typst.TypstError as error:
            characters = "".join(dict.fromkeys("".join(_UNDRAWABLE.findall(error.diagnostic))))
            if not characters:
                raise
            raise CannotDrawError(characters) from None
        if not isinstance(pdf, bytes):
            raise TypeError(f"Typst made {type(pdf).__name__} where one PDF was expected")
        return pdf

    def _compiler(self) -> typst.Compiler:
        if not hasattr(self._thread, "compiler"):
            self._thread.compiler = typst.Compiler(str(TEMPLATE), font_paths=self._shared_fonts())
        compiler: typst.Compiler = self._thread.compiler
        return compiler

    def _shared_fonts(self) -> typst.Fonts:
        with self._lock:
            if self._fonts is None:
                # Not the machine's own fonts: the same roster is to look the same on every machine.
                folders = [str(self._fonts_dir)] if self._fonts_dir else []
                self._fonts = typst.Fonts(include_system_fonts=False, font_paths=folders)
            return self._fonts


def qr_svg(certificate: Certificate) -> str:
    """A QR code that says who was certified what, under which serial; more would make its dots too fine to read."""
    lines: Mapping[str, str] = {
        "Certificate": certificate.serial,
        "Recipient": certificate.recipient,
        "Course": certificate.course,
    }
    text = "\n".join(f"{name}: {value}" for name, value in lines.items() if value)
    drawn = io.BytesIO()
    segno.make(text, error="m", micro=False).save(drawn, kind="svg", xmldecl=False, border=0, dark="#1b2a41")
    return drawn.getvalue().decode("utf-8")


def _iso_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
