"""Tests that report files are read, or that all their errors are reported with file, line and fix."""

from pathlib import Path

import pytest

from bureau.contracts.reports import CsvFormat
from bureau.services.reports.definition.columns import NumberFormat, ReportColumn, TimeFormat
from bureau.services.reports.definition.report import InvalidReport, Report, read_report

GOOD = """\
-- title = "Sales"
-- source = "shop"
-- # TOML's own comments are fine
-- [parameters.since]
-- type = "date"
-- required = true
select * from sales
where day >= :since
"""


def report(tmp_path: Path, text: str | bytes) -> Report:
    file = tmp_path / "sales.sql"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_report(file)


def errors(tmp_path: Path, text: str | bytes) -> list[tuple[int, str]]:
    with pytest.raises(InvalidReport) as error:
        report(tmp_path, text)
    assert all(str(mistake).startswith(f"{tmp_path / 'sales.sql'}:{mistake.line}: ") for mistake in error.value.errors)
    return [(mistake.line, mistake.detail) for mistake in error.value.errors]


def test_a_report_is_named_after_its_file_and_describes_itself(tmp_path: Path) -> None:
    described = report(tmp_path, GOOD).describe()
    assert (described.name, described.title, described.description, described.source) == ("sales", "Sales", "", "shop")
    assert list(described.params_schema["properties"]) == ["since"]


def test_a_header_may_give_another_name_and_windows_line_ends(tmp_path: Path) -> None:
    text = GOOD.replace('-- title = "Sales"', '-- title = "Sales"\n-- name = "daily-sales"').replace("\n", "\r\n")
    found = report(tmp_path, b"\xef\xbb\xbf" + text.encode())
    assert found.name == "daily-sales"
    assert [place.line for place in found.query.placeholders] == [2]


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (('title = "Sales"', 'title = "Sales'), 1, "the header is not TOML"),
        (('title = "Sales"', "title = 5"), 1, "title: write text in quotes"),
        (('-- title = "Sales"\n', ""), 1, "title is missing; add a line such as"),
        (('source = "shop"', 'source = "Shop"'), 2, "source: 'Shop' is not allowed"),
        (('source = "shop"', 'sauce = "shop"'), 2, "sauce: the key is not known; use one of name, title"),
        (("-- # TOML's own comments are fine", '-- name = "../x"'), 3, "name: '../x' is not allowed"),
        (('type = "date"', 'type = "dat"'), 5, 'parameters.since.type: "dat" is not a type; use one of text, integer'),
        (('type = "date"', 'type = ["date"]'), 5, "is not a type"),
        (('-- type = "date"\n', ""), 4, "parameters.since.type: null is not a type"),
        (("required = true", 'required = "yes"'), 6, "write required = true or required = false"),
        (("required = true", "default = 2024-13-01"), 6, "the header is not TOML"),
        (("required = true", 'default = "some day"'), 6, "parameters.since.default: must be a date such as"),
        (("required = true", "required = true\n-- default = 2024-01-01"), 7, "a required parameter has no default"),
        (("required = true", "minimum = 5"), 6, "parameters.since.minimum: must be a date"),
        (("required = true", "minimum = 2024-02-01\n-- maximum = 2024-01-01"), 6, "is greater than the maximum"),
        (("required = true", "default = 2023-12-31\n-- minimum = 2024-01-01"), 6, "must be at least 2024-01-01"),
        (("required = true", "pattern = '[0-9]'"), 6, "only text and lists of text have a pattern"),
        (("required = true", "choices = [2024-01-01]"), 6, "a date takes no choices"),
        (("required = true", "items = 'text'"), 6, "only a list has items"),
        (("required = true", "labels = 1"), 6, "the key is not known"),
        (('type = "date"\n-- required = true', 'type = "enum"'), 5, "an enum needs its choices"),
        (('type = "date"\n-- required = true', 'type = "enum"\n-- choices = []'), 6, "a list that is not empty"),
        (('type = "date"\n-- required = true', 'type = "enum"\n-- choices = [1]'), 6, "must be text, not 1"),
        (('type = "date"\n-- required = true', 'type = "text"\n-- pattern = "("'), 6, "is not a pattern"),
        (('type = "date"\n-- required = true', 'type = "text"\n-- pattern = "(?=a)"'), 6, "no look-around"),
        (('type = "date"\n-- required = true', 'type = "text"\n-- pattern = "a)|(b"'), 6, "is not a pattern"),
        (('type = "date"\n-- required = true', 'type = "text"\n-- maximum = -1'), 6, "must be a length"),
        (('type = "date"\n-- required = true', 'type = "boolean"\n-- minimum = 0'), 6, "a boolean has no minimum"),
        (('type = "date"\n-- required = true', 'type = "list"\n-- items = "lists"'), 6, "is not a type of items"),
        (("[parameters.since]", "[parameters.Since]"), 4, "a parameter's name has lower-case letters"),
        (('[parameters.since]\n-- type = "date"\n-- required = true', "parameters = 1"), 4, "parameters: write tables"),
        (("day >= :since", "day >= '2024-01-01'"), 4, "parameters.since is not used; write :since or remove it"),
        (
            ("day >= :since", "day >= :since\n  and day < :until"),
            9,
            ":until is not declared; add -- [parameters.until]",
        ),
        (("day >= :since", "day >= :since and name = 'x"), 8, "a string literal begins here and is never closed"),
        (("day >= :since", "day >= :since;\ndrop table sales"), 9, "a second statement begins here"),
    ],
)
def test_an_error_is_reported_with_its_line_and_fix(
    tmp_path: Path, change: tuple[str, str], line: int, words: str
) -> None:
    assert change[0] in GOOD
    found = errors(tmp_path, GOOD.replace(*change))
    assert any(number == line and words in detail for number, detail in found), found


HOW = """\
-- title = "Sales"
-- source = "shop"
-- time_zone = "Europe/Paris"
-- neutralise_formulas = false
-- [format]
-- delimiter = ";"
-- decimal_comma = true
-- date_format = "DD.MM.YYYY"
-- null_text = "N/A"
-- [columns.revenue]
-- label = "Revenue (€)"
-- format = "0.00"
-- [columns.day]
-- format = "DD.MM.YYYY HH:MM"
select day, revenue from sales
"""


def test_a_header_sets_the_format_of_the_file(tmp_path: Path) -> None:
    found = report(tmp_path, HOW)
    assert (str(found.zone), found.neutralise) == ("Europe/Paris", False)
    assert found.format == CsvFormat(delimiter=";", decimal_comma=True, date_format="DD.MM.YYYY", null_text="N/A")
    assert found.columns == {
        "revenue": ReportColumn("revenue", "Revenue (€)", NumberFormat(2)),
        "day": ReportColumn("day", None, TimeFormat("DD.MM.YYYY", " HH:MM")),
    }


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (("Europe/Paris", "Europe/Pariss"), 3, "time_zone: 'Europe/Pariss' is not a time zone; write a name such as"),
        (("Europe/Paris", "../etc"), 3, "is not a time zone"),
        (("formulas = false", 'formulas = "no"'), 4, "neutralise_formulas: write true or false"),
        (('delimiter = ";"', 'delimiter = "x"'), 6, "format.delimiter: use one of ',', ';'"),
        (('delimiter = ";"', 'separator = ";"'), 6, "format.separator: the key is not known; use one of delimiter"),
        (("comma = true", 'comma = "true"'), 7, "format.decimal_comma: write true or false"),
        (("DD.MM.YYYY", "DD.MM.YY"), 8, "format.date_format: use one of 'YYYY-MM-DD'"),
        (("N/A", "nothing"), 9, "format.null_text: use one of"),
        (("Revenue (€)", ""), 11, 'columns.revenue.label: write text in quotes: label = "Revenue"'),
        (('"0.00"', '"#,##0"'), 12, "columns.revenue.format: '#,##0' is not a format; use 0, 0.0 or 0.00"),
        (('format = "0.00"', 'width = "0.00"'), 12, "columns.revenue.width: the key is not known; use one of label"),
        (("YYYY HH:MM", "YYYY HH.MM"), 14, "columns.day.format: 'DD.MM.YYYY HH.MM' is not a format"),
    ],
)
def test_an_error_in_a_format_is_reported_with_its_line_and_fix(
    tmp_path: Path, change: tuple[str, str], line: int, words: str
) -> None:
    assert change[0] in HOW
    found = errors(tmp_path, HOW.replace(*change, 1))
    assert any(number == line and words in detail for number, detail in found), found


def test_all_errors_of_a_file_are_reported_at_once(tmp_path: Path) -> None:
    text = GOOD.replace('"Sales"', "5").replace('"date"', '"dat"').replace(":since", ":until")
    assert [line for line, _ in errors(tmp_path, text)] == [1, 5, 8]


def test_parameters_that_the_gateway_would_not_admit_are_an_error(tmp_path: Path) -> None:
    choices = ", ".join(f'"choice {number:05}"' for number in range(6000))
    text = GOOD.replace('type = "date"', f'type = "enum"\n-- choices = [{choices}]')
    assert "the parameters cannot be announced" in errors(tmp_path, text)[0][1]


def test_a_file_that_is_not_utf8_or_has_no_header_is_refused(tmp_path: Path) -> None:
    assert errors(tmp_path, b'-- title = "Caf\xe9"\nselect 1') == [(1, "is not UTF-8; save it as UTF-8")]
    assert [line for line, _ in errors(tmp_path, "select 1")] == [1, 1]  # title and source
    assert "there is no SQL" in errors(tmp_path, '-- title = "x"\n-- source = "shop"\n')[0][1]
