"""The page itself: A4 landscape, one page whatever is on it, an archival PDF."""

import io
from dataclasses import replace

import pytest
from pypdf import PdfReader

from services.certificates.issuer.roster import MAX_CHARACTERS
from services.certificates.issuer.typesetter import CannotDrawError, Certificate, Typesetter, qr_svg

PLAIN = Certificate("Bureau Academy", "Ada Lovelace", "Analytical Engines", "2024-05-17", "40", "A", "X-1", "7K3M-Q2ZD")
FULL = {field: MAX_CHARACTERS[field] for field in ("recipient", "course", "date", "hours", "grade", "id")}


@pytest.fixture(scope="module")
def typesetter() -> Typesetter:
    return Typesetter(None)


def read(pdf: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(pdf))


@pytest.mark.parametrize("word", ["W", "WWW ", "ab "])
def test_the_longest_of_everything_fits_one_page(typesetter: Typesetter, word: str) -> None:
    long = {field: (word * length)[:length].strip() for field, length in FULL.items()}
    assert len(read(typesetter.pdf(replace(PLAIN, organisation=(word * 80)[:80], **long))).pages) == 1


def test_the_page_is_a4_landscape(typesetter: Typesetter) -> None:
    box = read(typesetter.pdf(PLAIN)).pages[0].mediabox
    assert (round(box.width), round(box.height)) == (842, 595)


def test_every_field_is_on_the_page(typesetter: Typesetter) -> None:
    text = read(typesetter.pdf(PLAIN)).pages[0].extract_text()
    for value in (PLAIN.organisation, PLAIN.recipient, PLAIN.course, "2024-05-17", "40", "A", "X-1", PLAIN.serial):
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
    assert pdf.metadata.title == "Certificate 7K3M-Q2ZD"


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


def test_the_qr_code_changes_with_whom_it_names() -> None:
    assert qr_svg(PLAIN) != qr_svg(replace(PLAIN, recipient="Grace Hopper"))
