"""The page itself: A4 landscape, one page whatever is on it, an archival PDF."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from pypdf import PdfReader

from bureau.services.certificates.issuer.pdf.design_settings import Looks, design_path, image_svg
from bureau.services.certificates.issuer.pdf.typesetter import CannotDrawError, Certificate, DesignError, Typesetter
from bureau.services.certificates.issuer.pdf.words import WORDS, date_words
from bureau.services.certificates.issuer.rosters.fields import MAX_CHARACTERS

PLAIN = Certificate("Bureau Academy", "Ada Lovelace", "Analytical Engines", "2024-05-17", "40", "A", "X-1", "7K3M-Q2ZD")
DESIGNS = ("classic", "modern", "minimal")
LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 3" width="9" height="3"><rect width="9" height="3"/></svg>'
)
SIGNED = {"logo": LOGO, "signature": LOGO, "signatory": "Dr. Montserrat Puig i Cadafalch | " + "Director " * 12}
# A square of one pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
    "53de0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
FULL = {field: MAX_CHARACTERS[field] for field in ("recipient", "course", "date", "hours", "grade", "id")}


@pytest.fixture(scope="module")
def typesetter() -> Typesetter:
    return Typesetter(Looks(design_path("classic", None)), None)


def read(pdf: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(pdf))


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("word", ["W", "WWW ", "ab "])
@pytest.mark.parametrize("looks", [{}, SIGNED], ids=["bare", "signed"])
def test_the_longest_of_everything_fits_one_page(design: str, word: str, looks: dict[str, str]) -> None:
    long = {field: (word * length)[:length].strip() for field, length in FULL.items()}
    full = replace(PLAIN, organisation=(word * 80)[:80], link="https://bureau.example.com/c/" + "x" * 700, **long)
    assert len(read(Typesetter(Looks(design_path(design, None), **looks), None).pdf(full)).pages) == 1


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("language", WORDS)
def test_every_design_says_all_in_every_language(design: str, language: str) -> None:
    page = Typesetter(Looks(design_path(design, None), **SIGNED), None).pdf(replace(PLAIN, language=language))
    (only,) = read(page).pages
    text = " ".join(only.extract_text().split())
    words = WORDS[language]
    assert words["title"].casefold() in text.replace(" ", "").casefold()
    for said in (words["completed"], words["grade"], PLAIN.recipient, PLAIN.course, PLAIN.serial):
        assert said in text
    assert "Montserrat Puig" in text


def test_a_design_of_ones_own_is_taken_by_its_name_with_everything_in_it(tmp_path: Path) -> None:
    (tmp_path / "ours.typ").write_text(
        '#import "@local/bureau:1.0.0": *\n#show: certificate\n#data.recipient at #data.organisation #logo(9mm, 9mm)'
    )
    page = Typesetter(Looks(design_path("ours", tmp_path), logo=LOGO), None).pdf(PLAIN)
    assert "Ada Lovelace at Bureau Academy" in read(page).pages[0].extract_text()
    with pytest.raises(ValueError, match="design 'theirs' not found; the designs are classic, minimal, modern, ours"):
        design_path("theirs", tmp_path)


def test_a_broken_design_says_so(tmp_path: Path) -> None:
    (tmp_path / "ours.typ").write_text("#nothing-such")
    with pytest.raises(DesignError, match="design ours has an error: unknown variable: nothing-such"):
        Typesetter(Looks(design_path("ours", tmp_path)), None).pdf(PLAIN)


def test_a_logo_may_be_png_or_svg_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(PNG)
    (tmp_path / "logo.svg").write_text(f"<?xml version='1.0'?>\n<!-- ours -->\n{LOGO}")
    (tmp_path / "logo.gif").write_bytes(b"GIF89a")
    plain = Typesetter(Looks(design_path("classic", None)), None).pdf(PLAIN)
    for name in ("logo.png", "logo.svg"):
        looks = Looks(design_path("classic", None), logo=image_svg(tmp_path / name))
        assert Typesetter(looks, None).pdf(PLAIN) != plain
    with pytest.raises(ValueError, match="neither PNG nor SVG"):
        image_svg(tmp_path / "logo.gif")


def test_colours_are_the_issuer_s_choice() -> None:
    path = design_path("minimal", None)
    pages = {Typesetter(Looks(path, accent=colour), None).pdf(PLAIN) for colour in ("", "#00ff00", "#0000ff")}
    assert len(pages) == 3


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "1 October 2026"),
        ("es", "1 de octubre de 2026"),
        ("ca", "1 d’octubre de 2026"),
        ("fr", "1er octobre 2026"),
        ("pt", "1 de outubro de 2026"),
    ],
)
def test_dates_are_said_as_people_write_them(language: str, said: str) -> None:
    assert date_words("2026-10-01", language) == said
    assert date_words("autumn 2026", language) == "autumn 2026"


def test_the_page_is_a4_landscape(typesetter: Typesetter) -> None:
    box = read(typesetter.pdf(PLAIN)).pages[0].mediabox
    assert (round(box.width), round(box.height)) == (842, 595)


def test_every_field_is_on_the_page(typesetter: Typesetter) -> None:
    text = read(typesetter.pdf(PLAIN)).pages[0].extract_text()
    for value in (PLAIN.organisation, PLAIN.recipient, PLAIN.course, "17 May 2024", "40", "A", "X-1", PLAIN.serial):
        assert value in text


def test_fields_not_given_leave_no_label_behind(typesetter: Typesetter) -> None:
    bare = replace(PLAIN, course="", date="", hours="", grade="", id="")
    text = read(typesetter.pdf(bare)).pages[0].extract_text()
    assert not any(label in text for label in ("Date", "Hours", "Grade", "ID", "completed"))


@pytest.mark.parametrize("name", ["Łukasz Żółć", "Nguyễn Thị Ánh", "Ελένη", "Владимир", "O’Neill-ffi"])
def test_the_text_of_any_european_name_can_be_copied_out(typesetter: Typesetter, name: str) -> None:
    assert name in read(typesetter.pdf(replace(PLAIN, recipient=name))).pages[0].extract_text()


def test_it_is_a_tagged_archival_pdf_with_its_metadata(typesetter: Typesetter) -> None:
    pdf = read(typesetter.pdf(PLAIN))
    assert pdf.xmp_metadata is not None
    metadata = pdf.xmp_metadata.stream.get_data()
    assert b"<pdfaid:part>2</pdfaid:part>" in metadata
    assert b"<pdfaid:conformance>B</pdfaid:conformance>" in metadata
    assert "/StructTreeRoot" in pdf.root_object
    assert pdf.metadata is not None
    assert pdf.metadata.title == "Certificate 7K3M-Q2ZD · Ada Lovelace"
    assert pdf.metadata.author == "Bureau Academy"
    assert str(pdf.root_object["/Lang"]) == "en"


def test_the_date_of_the_document_is_the_roster_s_and_never_today_s(typesetter: Typesetter) -> None:
    dated = read(typesetter.pdf(PLAIN)).metadata
    undated = read(typesetter.pdf(replace(PLAIN, date="last spring"))).metadata
    assert dated is not None
    assert undated is not None
    assert str(dated.creation_date)[:10] == "2024-05-17"
    assert str(undated.creation_date)[:10] == "2000-01-01"


def test_letters_no_font_has_are_named(typesetter: Typesetter) -> None:
    with pytest.raises(CannotDrawError) as caught:
        typesetter.pdf(replace(PLAIN, recipient="张伟", course="数学"))
    assert set(caught.value.characters) == set("张伟数学")
