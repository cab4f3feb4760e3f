"""Recognizes texts that a spreadsheet would run as a formula when it opens a CSV file."""

# With these a spreadsheet runs a cell as a formula (OWASP, "CSV injection"); the last four are the full-width forms.
FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"
_STARTS = frozenset(FORMULA_STARTS)
# A spreadsheet may drop these from the beginning of a cell or of a file before it looks for a formula: NUL, byte order
# marks, control and format characters, unusual blanks, fillers and variation selectors, which have no shape. The plain
# blank is not among them: text after it stays text.
_RANGES = (
    *((0x00, 0x1F), (0x7F, 0xA0), (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x1680, 0x1680)),
    *((0x17B4, 0x17B5), (0x180B, 0x180F), (0x2000, 0x200F), (0x2028, 0x202F), (0x205F, 0x206F), (0x3000, 0x3000)),
    *((0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB)),
)
DROPPED = "".join(chr(code) for first, last in _RANGES for code in range(first, last + 1))
_DROPPED = frozenset(DROPPED)


def is_formula(text: str) -> bool:
    """Tells whether a spreadsheet may run the text as a formula.

    Such a text begins like a formula, perhaps after characters that the spreadsheet drops.
    """
    if not text:
        return False
    if text[0] in _STARTS:
        return True
    return text[0] in _DROPPED and text.lstrip(DROPPED)[:1] in _STARTS
