"""Makes certificates as PDF/A-2b with Typst. The same input makes the same bytes."""

import json
import re
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import typst

from bureau.services.certificates.issuer.pdf.design_settings import Looks
from bureau.services.certificates.issuer.pdf.qr import qr_svg
from bureau.services.certificates.issuer.pdf.words import WORDS, date_words, iso_date

_HERE = Path(__file__).parents[1]
FONTS, PACKAGES = _HERE / "fonts", _HERE / "packages"
# PDF/A needs a date of the document. If the roster gives none in ISO form, this one is plainly not a real one.
NO_DATE = date(2000, 1, 1)

TRIED_AT_ONCE = 60  # characters; a field of the page holds more
_UNDRAWABLE = re.compile(r'the text `"(.+?)"` could not be displayed')


@dataclass(frozen=True)
class Certificate:
    """Holds the text of the page; "" leaves its line out. `language` is one of `WORDS`; `link` verifies it."""

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
    """Says that no font has the characters that the certificate needs."""

    def __init__(self, characters: str) -> None:
        super().__init__(characters)
        self.characters = characters


class DesignError(Exception):
    """Says that the design's template has an error, and where."""


class Typesetter:
    """Makes PDFs of one design. Threads may share it: each gets its own compiler, with the same fonts.

    Typst is not used before the first certificate, because it hangs in a child that was forked after its first use.
    """

    def __init__(self, looks: Looks, fonts_dir: Path | None) -> None:
        self._looks = looks
        self._fonts_dir = fonts_dir
        self._lock = threading.Lock()
        self._fonts: typst.Fonts | None = None
        self._thread = threading.local()
        self._drawable: set[str] = set()  # characters beyond ASCII that were drawn before

    def pdf(self, certificate: Certificate) -> bytes:
        """Returns the PDF. Raises `CannotDrawError` for characters that no font has, and `DesignError`."""
        try:
            pdf = self._compiler().compile(format="pdf", pdf_standards=["a-2b"], sys_inputs=self._inputs(certificate))
        except typst.TypstError as error:
            characters = "".join(dict.fromkeys("".join(_UNDRAWABLE.findall(error.diagnostic))))
            if characters:
                raise CannotDrawError(characters) from None
            raise DesignError(f"The design {self._looks.design.stem} has an error: {error.message}") from error
        if not isinstance(pdf, bytes):
            raise DesignError(f"The design {self._looks.design.stem} made several files instead of one PDF")
        return pdf

    def undrawable(self, texts: Iterable[str]) -> set[str]:
        """Returns the characters in `texts` that no font has, at the price of a few certificates for all of them."""
        new = {character for text in texts for character in text if not character.isascii()} - self._drawable
        missing: set[str] = set()
        characters = sorted(new)
        for start in range(0, len(characters), TRIED_AT_ONCE):
            piece = "".join(characters[start : start + TRIED_AT_ONCE])
            try:
                self.pdf(Certificate("", piece, piece, "", "", "", "", "0"))
            except CannotDrawError as error:
                missing |= set(error.characters) & new
        self._drawable |= new - missing
        return missing

    def _inputs(self, certificate: Certificate) -> dict[str, str]:
        """Hands the data over as JSON, so that no markup is read in them; docs/certificates.md lists them."""
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
                # The machine's own fonts are not used: the same roster must look the same on every machine.
                folders = [str(folder) for folder in (FONTS, self._fonts_dir) if folder]
                self._fonts = typst.Fonts(include_system_fonts=False, font_paths=folders)
            return self._fonts


def _qr(certificate: Certificate) -> str:
    """Returns a QR code of the link, or without one, of the serial, the recipient and the course."""
    if certificate.link:
        return qr_svg(certificate.link, "L")  # the least correction: its larger dots can be read from further away
    lines = {
        "Certificate": certificate.serial,
        "Recipient": certificate.recipient,
        "Course": certificate.course,
    }
    return qr_svg("\n".join(f"{name}: {value}" for name, value in lines.items() if value), "M")
