"""Certificates as PDF/A-2b, set by Typst. The same input makes the same bytes."""

import json
import re
import threading
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import typst

from bureau.services.certificates.issuer.pdf.design_settings import Looks
from bureau.services.certificates.issuer.pdf.qr import qr_svg
from bureau.services.certificates.issuer.pdf.words import WORDS, date_words, iso_date

_HERE = Path(__file__).parents[1]
FONTS, PACKAGES = _HERE / "fonts", _HERE / "packages"
# PDF/A wants a date of the document. Where the roster gives none in ISO form, one that is plainly no date.
NO_DATE = date(2000, 1, 1)

_UNDRAWABLE = re.compile(r'the text `"(.+?)"` could not be displayed')


@dataclass(frozen=True)
class Certificate:
    """What stands on the page; "" leaves its line out. `language` is one of `WORDS`, `link` where it is verified."""

    organisation: str
    recipient: str
    course: str
    date: str
    hours: str
    grade: str
    id: str
    serial: str
    language: str = "en"
    link: str = ""


class CannotDrawError(Exception):
    """No font has these characters."""

    def __init__(self, characters: str) -> None:
        super().__init__(characters)
        self.characters = characters


class DesignError(Exception):
    """The design's template is wrong; the message says where."""


class Typesetter:
    """Threads may share one: each gets its own compiler, over the same fonts.

    Nothing of Typst is touched before the first certificate, since it hangs in a child forked after its first use.
    """

    def __init__(self, looks: Looks, fonts_dir: Path | None) -> None:
        self._looks = looks
        self._fonts_dir = fonts_dir
        self._lock = threading.Lock()
        self._fonts: typst.Fonts | None = None
        self._thread = threading.local()

    def pdf(self, certificate: Certificate) -> bytes:
        """Raises `CannotDrawError` for characters that no font has, `DesignError`."""
        try:
            pdf = self._compiler().compile(format="pdf", pdf_standards=["a-2b"], sys_inputs=self._inputs(certificate))
        except typst.TypstError as error:
            characters = "".join(dict.fromkeys("".join(_UNDRAWABLE.findall(error.diagnostic))))
            if characters:
                raise CannotDrawError(characters) from None
            raise DesignError(f"The design {self._looks.design.stem} cannot be set: {error.message}") from error
        if not isinstance(pdf, bytes):
            raise DesignError(f"The design {self._looks.design.stem} made several files where one PDF was expected")
        return pdf

    def _inputs(self, certificate: Certificate) -> dict[str, str]:
        """Data reach the template as JSON, where no markup is read from them; docs/certificates.md describes them."""
        looks = self._looks
        issued = iso_date(certificate.date) or NO_DATE
        data = {
            **asdict(certificate),
            "date": date_words(certificate.date, certificate.language),
            "issued": [issued.year, issued.month, issued.day],
            "words": WORDS[certificate.language],
            "colours": {"primary": looks.primary, "accent": looks.accent},
            "signatory": looks.signatory,
        }
        images = {name: svg for name, svg in (("logo", looks.logo), ("signature", looks.signature)) if svg}
        return {"certificate": json.dumps(data), "qr": _qr(certificate), **images}

    def _compiler(self) -> typst.Compiler:
        if not hasattr(self._thread, "compiler"):
            self._thread.compiler = typst.Compiler(
                str(self._looks.design), font_paths=self._shared_fonts(), package_path=str(PACKAGES)
            )
        compiler: typst.Compiler = self._thread.compiler
        return compiler

    def _shared_fonts(self) -> typst.Fonts:
        with self._lock:
            if self._fonts is None:
                # Not the machine's own fonts: the same roster is to look the same on every machine.
                folders = [str(folder) for folder in (FONTS, self._fonts_dir) if folder]
                self._fonts = typst.Fonts(include_system_fonts=False, font_paths=folders)
            return self._fonts


def _qr(certificate: Certificate) -> str:
    """A QR code of the link; without one, of who was certified what, under which serial."""
    if certificate.link:
        return qr_svg(certificate.link, "L")  # the least correction: larger dots are read from further away
    lines = {
        "Certificate": certificate.serial,
        "Recipient": certificate.recipient,
        "Course": certificate.course,
    }
    return qr_svg("\n".join(f"{name}: {value}" for name, value in lines.items() if value), "M")
