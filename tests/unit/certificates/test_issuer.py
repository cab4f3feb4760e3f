"""The issuer's contract: multipart rosters in, a ZIP of certificates out, or JSON that says what is wrong."""

import csv
import hashlib
import io
import json
import threading
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader

from bureau.services.certificates.archive.check import check_archive
from bureau.services.certificates.issuer.app import CHECKPOINT
from bureau.services.certificates.settings import CertificatesSettings
from tests.unit.certificates import corpus
from tests.unit.certificates.conftest import Answer, Issue

ROSTER = "recipient,email,course\nAda Lovelace,ada@example.com,Analytical Engines\nGrace Hopper,,Compilers\n"


def text_of(pdf: bytes) -> str:
    (page,) = PdfReader(io.BytesIO(pdf)).pages
    return " ".join(page.extract_text().split())


def manifest_of(members: dict[str, bytes]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(members["manifest.csv"].decode("utf-8"), newline="")))


def test_every_row_becomes_a_certificate_that_names_its_recipient_and_course(issue: Issue) -> None:
    answer = issue(("spring.csv", ROSTER))
    assert answer.status == 200
    assert list(answer.pdfs) == ["1-Ada-Lovelace.pdf", "2-Grace-Hopper.pdf"]
    for pdf, recipient, course in zip(
        answer.pdfs.values(), ("Ada Lovelace", "Grace Hopper"), ("Analytical Engines", "Compilers"), strict=True
    ):
        text = text_of(pdf)
        assert recipient in text
        assert course in text
        assert "Bureau Academy" in text


def test_the_manifest_lists_every_certificate_with_its_serial_and_checksum(issue: Issue) -> None:
    members = issue(("spring.csv", ROSTER)).members
    lines = manifest_of(members)
    assert [(line["recipient"], line["email"]) for line in lines] == [
        ("Ada Lovelace", "ada@example.com"),
        ("Grace Hopper", ""),
    ]
    for line in lines:
        assert hashlib.sha256(members[line["file"]]).hexdigest() == line["sha256"]
        assert line["serial"] in text_of(members[line["file"]])


def test_the_manifest_for_programs_says_the_same_and_how_the_rosters_were_read(issue: Issue) -> None:
    members = issue(
        ("spring.csv", "Nombre;Correo electrónico;Idioma\nAda;ada@example.com;español\n".encode("cp1252"))
    ).members
    manifest = json.loads(members["manifest.json"])
    (line,) = manifest_of(members)
    assert manifest["certificates"] == [line]
    assert (line["recipient"], line["email"], line["language"]) == ("Ada", "ada@example.com", "es")
    assert manifest["rosters"] == [
        {"file": "spring.csv", "encoding": "Windows-1252", "delimiter": ";", "rows": 1, "ignored": "", "left_out": []}
    ]
    assert manifest["errors"] == []


def test_by_setting_the_good_rows_are_issued_and_the_others_listed(
    issue: Issue, make_client: Callable[..., FlaskClient]
) -> None:
    client = make_client(issuer_row_errors="issue_good")
    rosters = [
        ("a.csv", "recipient,email\nAda,nowhere\nGrace,\n张伟,\n"),
        ("b.csv", "recipient\nEmmy\n"),
        ("c.csv", ""),
    ]
    members = issue(*rosters, client=client).members
    assert [line["recipient"] for line in manifest_of(members)] == ["Grace", "Emmy"]
    errors = list(csv.DictReader(io.StringIO(members["errors.csv"].decode("utf-8"), newline="")))
    assert [(error["file"], error["line"]) for error in errors] == [("a.csv", "2"), ("a.csv", "4"), ("c.csv", "")]
    assert errors == [
        {**error, "line": str(error["line"] or ""), "column": error["column"] or ""}
        for error in json.loads(members["manifest.json"])["errors"]
    ]


def test_a_request_without_a_good_row_is_refused_in_any_mode(
    issue: Issue, make_client: Callable[..., FlaskClient]
) -> None:
    answer = issue(("a.csv", "recipient\n张伟\n"), client=make_client(issuer_row_errors="issue_good"))
    assert (answer.status, answer.error["code"]) == (422, "invalid_roster")


def test_the_same_request_makes_the_same_bytes(issue: Issue) -> None:
    assert issue(("spring.csv", ROSTER)).body == issue(("spring.csv", ROSTER)).body


def test_no_two_certificates_are_equal_even_for_equal_rows(issue: Issue) -> None:
    twice = "recipient,course\nAda,Engines\nAda,Engines\n"
    first = issue(("a.csv", twice), ("a.csv", twice)).pdfs
    second = issue(("a.csv", twice), key="another").pdfs
    pages = [*first.values(), *second.values()]
    assert len(pages) == 6
    assert len(set(pages)) == 6


def test_several_rosters_share_one_archive_with_a_folder_each(issue: Issue) -> None:
    answer = issue(("spring.csv", ROSTER), ("../autumn.csv", "recipient\nEmmy Noether\n"))
    assert list(answer.pdfs) == [
        "1-spring/1-Ada-Lovelace.pdf",
        "1-spring/2-Grace-Hopper.pdf",
        "2-autumn/1-Emmy-Noether.pdf",
    ]
    assert [line["file"] for line in manifest_of(answer.members)] == list(answer.pdfs)


def test_its_archives_pass_the_check_every_archive_passes(issue: Issue) -> None:
    body = issue(("a.csv", ROSTER), ("b.csv", ROSTER)).body
    assert len(check_archive(io.BytesIO(body), CertificatesSettings().limits, lambda _: None, lambda *_: None)) == 6


def test_the_errors_of_all_rosters_are_told_at_once_by_file_and_line(issue: Issue) -> None:
    answer = issue(
        ("a.csv", "recipient,email\nAda,nowhere\n张伟,\n,x@y.z\n"), ("b.csv", "name\nIonuţ\n".encode("cp1250"))
    )
    assert answer.status == 422
    assert answer.error["code"] == "invalid_roster"
    assert [(row["file"], row["line"]) for row in answer.error["details"]] == [
        ("a.csv", 2),
        ("a.csv", 3),
        ("a.csv", 4),
        ("b.csv", None),
    ]
    assert "the rosters have 4 errors. The first is in a.csv, line 2: email “nowhere” is not" in answer.error["message"]


def test_a_name_no_font_can_draw_is_an_error_that_names_the_letters(issue: Issue) -> None:
    (row,) = issue(("a.csv", "recipient\nZhang 张伟\n")).error["details"]
    assert row["line"] == 2
    assert row["message"].startswith("recipient holds “张伟”")
    assert "ISSUER_FONTS_DIR" in row["message"]


def test_a_thousand_errors_are_counted_and_the_message_stays_short(issue: Issue) -> None:
    error = issue(("a.csv", "recipient,course\n" + ",x\n" * 1500)).error
    assert error["count"] == 1500
    assert "1,500 errors" in error["message"]
    assert "\n" not in error["message"]
    assert len(error["details"]) == 1000


def test_markup_in_a_roster_stays_text(issue: Issue) -> None:
    name = '#eval("1") $x$ *b* @ref <l> \\u{41} [c]'
    (pdf,) = issue(("a.csv", f'recipient,course\n"{name.replace(chr(34), chr(34) * 2)}",`raw` // c\n')).pdfs.values()
    assert name in text_of(pdf)
    assert "`raw` // c" in text_of(pdf)


def test_rosters_sent_under_one_name_are_told_apart(issue: Issue) -> None:
    rows = issue(("a.csv", ROSTER), ("a.csv", "recipient\n")).error["details"]
    assert [row["file"] for row in rows] == ["a.csv (file 2)"]


def test_a_request_without_rosters_is_refused(default_client: FlaskClient) -> None:
    for data in ({}, {"other": (io.BytesIO(b"x"), "x.csv")}):
        response = default_client.post("/", data=data, content_type="multipart/form-data")
        assert response.status_code == 422
        assert response.json is not None
        assert response.json["error"]["code"] == "no_files"


def test_a_file_without_a_name_is_refused(default_client: FlaskClient) -> None:
    response = default_client.post("/", data={"files": "recipient\nAda\n"}, content_type="multipart/form-data")
    assert response.status_code == 422
    assert response.json is not None
    assert response.json["error"]["code"] == "invalid_file"


def test_more_files_than_allowed_are_refused(issue: Issue) -> None:
    answer = issue(*((f"{n}.csv", ROSTER) for n in range(51)))
    assert (answer.status, answer.error["code"]) == (422, "too_many_files")


def test_more_rows_than_allowed_are_refused(issue: Issue, make_client: Callable[..., FlaskClient]) -> None:
    answer = issue(("a.csv", ROSTER), ("b.csv", ROSTER), client=make_client(issuer_max_rows=3))
    assert (answer.status, answer.error["code"]) == (422, "too_many_rows")


def test_a_roster_larger_than_allowed_is_refused(issue: Issue, make_client: Callable[..., FlaskClient]) -> None:
    answer = issue(("a.csv", ROSTER), client=make_client(issuer_max_roster_bytes=20))
    assert (answer.status, answer.error["code"]) == (413, "roster_too_large")


def test_a_request_larger_than_allowed_is_refused(issue: Issue, make_client: Callable[..., FlaskClient]) -> None:
    answer = issue(("a.csv", ROSTER), client=make_client(issuer_max_request_bytes=50))
    assert (answer.status, answer.error["code"]) == (413, "request_entity_too_large")


def test_errors_of_http_are_json_too(default_client: FlaskClient) -> None:
    wrong_method = default_client.put("/")
    assert wrong_method.status_code == 405
    assert "POST" in wrong_method.headers["Allow"]
    assert wrong_method.json is not None
    assert wrong_method.json["error"]["code"] == "method_not_allowed"
    assert default_client.get("/nowhere").status_code == 404


def test_health_is_answered(default_client: FlaskClient) -> None:
    assert default_client.get("/healthz").json == {"status": "ok"}


def test_a_checkpoint_in_the_same_process_sees_the_progress_and_ends_the_work(default_client: FlaskClient) -> None:
    class Enough(BaseException):
        pass

    seen: list[tuple[int, int]] = []

    def stop_at_second(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 1:
            raise Enough

    with pytest.raises(Enough):
        default_client.post(
            "/",
            data={"files": (io.BytesIO(ROSTER.encode()), "a.csv")},
            environ_overrides={CHECKPOINT: stop_at_second},
        )
    assert seen == [(0, 2), (1, 2)]


def test_threads_issue_side_by_side(issue: Issue) -> None:
    answers: dict[int, bytes] = {}

    def run(number: int) -> None:
        answers[number] = issue(("a.csv", ROSTER)).body

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 4
    assert len(set(answers.values())) == 1


def test_errors_are_found_before_any_certificate_is_made(issue: Issue, default_client: FlaskClient) -> None:
    made: list[tuple[int, int]] = []
    roster = "name,email\n" + "".join(f"Person {n},p{n}@example.com\n" for n in range(300)) + "Ada,a..b@x.org\n张伟,\n"
    response = default_client.post(
        "/",
        data={"files": (io.BytesIO(roster.encode()), "a.csv")},
        environ_overrides={CHECKPOINT: lambda done, total: made.append((done, total))},
    )
    assert response.status_code == 422
    assert response.json is not None
    assert [(row["line"], row["column"]) for row in response.json["error"]["details"]] == [
        (302, "email"),
        (303, "recipient"),
    ]
    assert all(done == 0 for done, _ in made)


def test_bad_addresses_hold_no_good_row_up_by_setting(issue: Issue, make_client: Callable[..., FlaskClient]) -> None:
    client = make_client(issuer_row_errors="issue_good")
    members = issue(("bad.csv", corpus.BAD_ADDRESSES), client=client).members
    assert [line["email"] for line in manifest_of(members)] == ["good@example.com"]
    errors = list(csv.DictReader(io.StringIO(members["errors.csv"].decode("utf-8"), newline="")))
    assert [(error["line"], error["column"]) for error in errors] == [(str(n), "email") for n in range(3, 9)]


def test_bad_addresses_are_told_by_line_all_at_once(issue: Issue) -> None:
    details = issue(("bad.csv", corpus.BAD_ADDRESSES)).error["details"]
    assert [detail["line"] for detail in details] == [3, 4, 5, 6, 7, 8]
    assert all(detail["message"].startswith("email “") for detail in details)


@pytest.mark.parametrize(
    ("roster", "fields", "language"),
    [
        ("name\nAda\n", {}, "en"),
        ("Nombre;Apellidos\nAda;Lovelace\n", {}, "es"),
        ("Nombre;Apellidos\nAda;Lovelace\n", {"language": "fr-CA"}, "fr"),
        ("Nombre;Apellidos;Idioma\nAda;Lovelace;català\n", {"language": "fr"}, "ca"),
        ("name\nAda\n", {"language": "pt"}, "pt"),
    ],
)
def test_the_language_is_the_row_s_or_the_request_s_or_the_header_s(
    default_client: FlaskClient, roster: str, fields: dict[str, str], language: str
) -> None:
    data = {"files": (io.BytesIO(roster.encode()), "r.csv"), **fields}
    with default_client.post("/", data=data) as response:
        (line,) = manifest_of(Answer(response.status_code, response.data).members)
    assert line["language"] == language


def test_a_request_may_say_the_encoding(default_client: FlaskClient) -> None:
    data = {"files": (io.BytesIO("name\nIonuţ\n".encode("cp1250")), "r.csv"), "encoding": "cp1250"}
    with default_client.post("/", data=data) as response:
        (line,) = manifest_of(Answer(response.status_code, response.data).members)
    assert line["recipient"] == "Ionuţ"


@pytest.mark.parametrize(
    ("field", "value", "code"), [("encoding", "klingon", "invalid_encoding"), ("language", "xx", "invalid_language")]
)
def test_an_unknown_encoding_or_language_is_refused(
    default_client: FlaskClient, field: str, value: str, code: str
) -> None:
    response = default_client.post("/", data={"files": (io.BytesIO(b"name\nAda\n"), "r.csv"), field: value})
    assert response.status_code == 422
    assert response.json is not None
    assert response.json["error"]["code"] == code
    assert value in response.json["error"]["message"]
