"""An encoding is found out by the names it makes, named where two are left, and taken from the request."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bureau.contracts.encodings import ENCODINGS, encoding_name
from bureau.services.certificates.issuer.rosters.decode import NotTextError, decode
from bureau.services.certificates.issuer.rosters.roster import read_roster
from tests.unit.certificates import corpus

# People as rosters list them, in languages of every code page; none of these lines was written by a program.
PEOPLE = {
    "tr": "Ayşe Yıldız, Gülşen Doğan, Çağla Öztürk, İbrahim Şahin, Oğuz Kılıç, Müge Işık, Tuğba Güneş",
    "pl": "Łukasz Wójcik, Małgorzata Dąbrowska, Zbigniew Święcicki, Grażyna Żak, Michał Gołąb, Paweł Kośmider",
    "cs": "Jiří Dvořák, Kateřina Nováková, Zdeněk Růžička, Ondřej Křížek, Lukáš Šťastný, Věra Čermáková",
    "hu": "Kovács Győző, Erdős Tünde, Szűcs Jenő, Tóth Ágnes, Kőműves László, Böszörményi Örs",
    "hr": "Željko Šarić, Živko Perković, Anđela Đurić, Krešimir Čačić, Mišo Kovačević",
    "lt": "Jūratė Žukauskienė, Vytautas Šimkus, Eglė Čepaitė, Kęstutis Jankūnas, Rūta Žemaitytė",
    "lv": "Jānis Bērziņš, Līga Kalniņa, Mārtiņš Ozoliņš, Ģirts Ķēniņš, Zane Liepiņa",
    "et": "Jüri Mägi, Õnne Pärn, Tõnu Kõiv, Ülle Mõtus, Mõis Jõgi",
    "el": "Γιώργος Παπαδόπουλος, Ελένη Νικολάου, Δημήτρης Οικονόμου, Μαρία Γεωργίου",
    "ru": "Владимир Кузнецов, Екатерина Щербакова, Алексей Попов, Мария Жукова",
    "uk": "Володимир Шевченко, Оксана Їжакевич, Андрій Ткаченко, Євгенія Ковальчук",
    "es": "María Núñez Peña, José Ángel Muñoz, Íñigo Ibáñez, Begoña Martínez, Óscar Güemes",
    "fr": "Zoé Lefèvre, François Beauchêne, Hélène Garçon, Benoît Lemaître, Thérèse Gaudréault",
    "de": "Jörg Müller, Käthe Weiß, Günter Schröder, Änne Großmann, Bärbel Köhler",
    "pt": "João Gonçalves, Conceição Magalhães, Antónia Simões, Íris Falcão, Inês Leitão",
    "sv": "Åsa Öberg, Björn Sjögren, Håkan Nyström, Märta Åkesson",
    "is": "Þórður Guðmundsson, Ásdís Þorvaldsdóttir, Æsa Jónsdóttir, Hallgrímur Ægisson",
}
PAGES = {
    **dict.fromkeys(["tr"], ("cp1254", "iso8859-9", "cp857", "mac_turkish")),
    **dict.fromkeys(["pl", "cs", "hu", "hr"], ("cp1250", "iso8859-2", "cp852")),
    **dict.fromkeys(["lt", "lv", "et"], ("cp1257", "iso8859-13")),
    **dict.fromkeys(["el"], ("cp1253", "iso8859-7")),
    **dict.fromkeys(["ru", "uk"], ("cp1251", "mac_cyrillic")),
    **dict.fromkeys(["es", "fr", "de", "pt", "sv"], ("cp1252", "iso8859-15", "mac_roman", "cp850")),
    **dict.fromkeys(["is"], ("cp1252",)),
}
HEADER = "name;email;course\r\n"


def roster(people: list[str]) -> str:
    return HEADER + "".join(f"{person};p{n}@example.com;Welding\r\n" for n, person in enumerate(people))


@pytest.mark.parametrize(
    ("language", "codec"), [(language, codec) for language, codecs in PAGES.items() for codec in codecs]
)
def test_each_code_page_is_found_out_by_a_few_names(language: str, codec: str) -> None:
    text = roster(PEOPLE[language].split(", "))
    try:
        data = text.encode(codec)
    except UnicodeEncodeError:
        data = text.encode(codec, "ignore")
        text = data.decode(codec)
    assert decode(data).text == text


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("language", PEOPLE)
def test_unicode_is_read_with_and_without_a_mark(language: str, codec: str) -> None:
    text = roster(PEOPLE[language].split(", "))
    if codec == "utf-32":
        text = HEADER + text
    assert decode(text.encode(codec)).text == text


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([(language, codec) for language, codecs in PAGES.items() for codec in codecs]),
    st.integers(1, 4),
    st.randoms(use_true_random=False),
)
def test_a_name_is_read_right_or_the_roster_is_refused(page: tuple[str, str], count: int, dice: random.Random) -> None:
    language, codec = page
    text = roster(dice.sample(PEOPLE[language].split(", "), count))
    data = text.encode(codec, "ignore")
    try:
        read = decode(data).text
    except NotTextError:
        return
    assert read == data.decode(codec)


def test_two_possible_encodings_are_both_named_with_an_example() -> None:
    with pytest.raises(NotTextError) as caught:
        decode("name\nAda\nIonuţ\n".encode("cp1250"))
    said = str(caught.value)
    assert "Windows-1250 (“Ionuţ”)" in said
    assert "Windows-1254 (“Ionuş”)" in said
    assert "line 3" in said
    assert "encoding=Windows-1250" in said
    assert "CSV UTF-8" in said


@pytest.mark.parametrize("codec", ["cp1253", "iso8859-7"])
def test_a_greek_capital_with_an_accent_is_no_apostrophe(codec: str) -> None:
    """“Άννα” in Windows-1253 is “’ννα” in ISO-8859-7."""
    text = roster(["Γιώργος Παπαδόπουλος", "Άννα Ξενάκη", "Άρης Κωνσταντίνου", "Ελένη Χριστοδούλου"])
    assert decode(text.encode(codec)).text == text


@pytest.mark.parametrize("name", ["陈静", "梁静", "张伟", "李娜", "Нина", "Вера"])
def test_one_short_name_is_not_taken_for_letters_or_for_characters_by_chance(name: str) -> None:
    codec = "gb18030" if name > "\u3000" else "cp1251"
    with pytest.raises(NotTextError, match="its encoding is not certain"):
        decode(roster([name]).encode(codec))


def test_a_turkish_roster_is_never_read_as_western() -> None:
    found = read_roster("t.csv", corpus.TURKISH)
    assert [row.recipient for row in found.rows] == ["Ayşe Yıldız", "Gülşen Doğan"]
    assert found.encoding == "Windows-1254"


def test_the_request_s_encoding_is_taken() -> None:
    assert decode("Ionuţ".encode("cp1250"), "Windows-1250").text == "Ionuţ"


@pytest.mark.parametrize(
    ("data", "encoding", "said"),
    [
        (b"\xef\xbb\xbfname", "Windows-1254", "mark of UTF-8"),
        (b"name\nA\xaada", "Windows-1253", "byte 0xAA in line 2"),
        (b"name\nJos\xe9", "UTF-8", "it is not UTF-8"),
    ],
)
def test_an_encoding_that_the_file_contradicts_is_refused(data: bytes, encoding: str, said: str) -> None:
    with pytest.raises(NotTextError, match=said):
        decode(data, encoding)


def test_damaged_utf_8_is_not_taken_for_another_encoding() -> None:
    with pytest.raises(NotTextError, match="UTF-8 with damaged characters: byte 0xC3 in line 3"):
        decode("name\nJosé Núñez\nÁngel".encode()[:-6] + b"\xc3 Mart\xc3\xadn")


@pytest.mark.parametrize(("written", "was"), [("JosÃ© NÃºÃ±ez", "José Núñez"), ("AyÅŸe", "Ayşe"), ("BjÃ¶rn", "Björn")])
def test_a_name_that_was_read_wrongly_before_is_an_error(written: str, was: str) -> None:
    (error,) = read_roster("r.csv", f"name\n{written}\n".encode()).errors
    assert was in error.message


@pytest.mark.parametrize("written", ["Y?ld?z Ayse", "Mar?a", "Andr?"])
def test_a_name_with_a_letter_lost_to_a_question_mark_is_an_error(written: str) -> None:
    (error,) = read_roster("r.csv", f"name\n{written}\n".encode()).errors
    assert "lost a letter" in error.message


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("utf-8", "UTF-8"),
        ("UTF8", "UTF-8"),
        ("windows-1254", "Windows-1254"),
        ("cp1254", "Windows-1254"),
        ("1254", "Windows-1254"),
        ("latin-1", "ISO-8859-1"),
        ("ISO-8859-9", "ISO-8859-9"),
        ("macintosh", "Mac Roman"),
        ("gbk", "GB18030"),
        ("", None),
        ("hex", None),
        ("../../x", None),
        ("rot13", None),
        ("x" * 1000, None),
    ],
)
def test_encodings_have_many_names(text: str, name: str | None) -> None:
    assert encoding_name(text) == name


def test_every_encoding_is_found_by_its_own_name() -> None:
    assert {name: encoding_name(name) for name in ENCODINGS} == {name: name for name in ENCODINGS}
