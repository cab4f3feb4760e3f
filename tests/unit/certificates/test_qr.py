"""QR codes: what is drawn reads as what was given."""

import re

import pytest
import zxingcpp

from bureau.services.certificates.issuer.pdf.qr import Correction, qr_svg

QUIET, SCALE = 4, 3


def read(svg: str) -> zxingcpp.Barcode:
    """The code as a scanner sees it: its strokes painted on white."""
    size = int(re.findall(r'width="(\d+)"', svg)[0])
    edge = (size + 2 * QUIET) * SCALE
    image = bytearray(b"\xff" * edge * edge)
    for x, y, length in re.findall(r"M(\d+) (\d+)\.5h(\d+)", svg):
        for line in range(SCALE):
            start = ((int(y) + QUIET) * SCALE + line) * edge + (int(x) + QUIET) * SCALE
            image[start : start + int(length) * SCALE] = bytes(int(length) * SCALE)
    (code,) = zxingcpp.read_barcodes(memoryview(image).cast("B", (edge, edge)))
    return code


@pytest.mark.parametrize("correction", ["L", "M"])
@pytest.mark.parametrize(
    "text",
    [
        "https://bureau.example.com/c/" + "eyJhbGciOiJFZERTQSJ9" * 12,
        "Certificate: 7K3M-Q2ZD\nRecipient: Ada Lovelace",
        "Recipient: José Ångström",
        "Recipient: Łukasz Ďurčo",
        "Recipient: محمد بن موسى",
        "Recipient: 张伟",
        "Recipient: 张伟 & José & محمد",
    ],
)
def test_a_code_reads_as_the_text_it_was_made_of(text: str, correction: Correction) -> None:
    code = read(qr_svg(text, correction))
    assert (code.text, code.ec_level) == (text, correction)
    assert code.bytes == text.encode(), "UTF-8, which every reader takes"


def test_the_same_text_makes_the_same_code_and_another_text_another() -> None:
    assert qr_svg("Ada", "M") == qr_svg("Ada", "M") != qr_svg("Grace", "M")


def test_more_text_than_a_code_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        qr_svg("x" * 3000, "L")
