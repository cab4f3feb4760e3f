"""Makes QR codes (ISO/IEC 18004) as SVG; each dot is one unit."""

import re
from typing import Literal

import zxingcpp

Correction = Literal["L", "M", "Q", "H"]  # restores 7, 15, 25 and 30 % of the code

_INK = "#101418"
_DARK = re.compile(rb"\x00+")


def qr_svg(text: str, correction: Correction) -> str:
    """Returns one path with a stroke for each run of dark dots, without a quiet zone.

    Raises ValueError for more text than a code holds.

    The SVG of zxing-cpp itself has an outline for each run, which takes Typst a third longer.
    """
    image = _code(text, correction).to_image(scale=1, add_quiet_zones=False)
    size: int = image.shape[0]
    dots = bytes(image)  # type: ignore[call-overload]  # a buffer, which zxing-cpp's types do not say
    strokes = "".join(
        f"M{run.start()} {row}.5h{run.end() - run.start()}"
        for row in range(size)
        for run in _DARK.finditer(dots[row * size : (row + 1) * size])
    )
    path = f'<path stroke="{_INK}" d="{strokes}"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}">{path}</svg>'


def _code(text: str, correction: Correction) -> zxingcpp.Barcode:
    # Without this, zxing-cpp uses any of twenty encodings without saying so in the code, and readers have to guess.
    encoding = {} if text.isascii() else {"eci": "UTF-8"}
    return zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=correction, **encoding)
