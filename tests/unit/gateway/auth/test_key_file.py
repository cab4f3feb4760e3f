"""KEYS_FILE: read, refused by line, read again."""

import os
from pathlib import Path

import pytest

from bureau.ledger.access.keys import Role
from bureau.services.gateway.api_keys import api_key
from bureau.services.gateway.api_keys.api_key import ApiKey
from bureau.services.gateway.api_keys.key_file import LARGEST_BYTES, KeyFile, KeyFileError, parse
from bureau.services.gateway.settings import GatewaySettings
from bureau.settings import SettingsError, load

SHOP, ADA = api_key.make(), api_key.make()


def line(owner: str, role: str, key: ApiKey) -> str:
    return f"{owner} {role} {key.text()}"


def test_lines_are_owner_role_and_key() -> None:
    text = f"# keys\n\n{line('shop', 'submit', SHOP)}\n  {line('ada@example.com', 'operate', ADA)}  # Ada\r\n"
    keys = parse(text)
    assert {(key.owner, key.role) for key in keys.values()} == {
        ("shop", Role.SUBMIT),
        ("ada@example.com", Role.OPERATE),
    }
    assert SHOP.opens(keys[SHOP.id].sha256)
    assert not ADA.opens(keys[SHOP.id].sha256)


def test_every_wrong_line_is_named_and_no_key_is_told() -> None:
    text = "\n".join(
        [
            line("shop", "submit", SHOP),
            f"shop submit {SHOP.text()} more",
            line("-x", "view", ADA),
            line("shop", "king", ADA),
            f"shop view bureau_{ADA.secret}",
            line("other", "view", SHOP),
        ]
    )
    with pytest.raises(KeyFileError) as refused:
        parse(text)
    said = str(refused.value)
    assert "line 1:" not in said
    assert "line 2: write `owner role key`" in said
    assert "line 3: an owner has letters" in said
    assert "line 4: the role is one of view, submit, operate" in said
    assert "line 5: the key is not of the form bureau_<id>_<secret>" in said
    assert f"line 6: a key with the id {SHOP.id} is in an earlier line" in said
    assert SHOP.secret not in said
    assert ADA.secret not in said


@pytest.mark.parametrize("text", ["", "\n# nothing\n"])
def test_a_file_without_keys_is_refused(text: str) -> None:
    with pytest.raises(KeyFileError, match="holds no key"):
        parse(text)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "cannot be read"),
        (b"\xff\xfe", "not UTF-8"),
        (b"#" * (LARGEST_BYTES + 1), "more than"),
        (b"shop", "line 1"),
    ],
)
def test_a_wrong_file_stops_the_start_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes | None, words: str
) -> None:
    path = tmp_path / "keys"
    if data is not None:
        path.write_bytes(data)
    monkeypatch.setenv("KEYS_FILE", str(path))
    with pytest.raises(SettingsError, match=f"KEYS_FILE: .*{words}"):
        load(GatewaySettings)


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(line("shop", "submit", SHOP))
    file = KeyFile(path)
    assert set(file.keys()) == {SHOP.id}
    assert file.keys() is file.keys()  # not read for nothing
    path.write_text(line("ada", "view", ADA))
    assert set(file.keys()) == {ADA.id}


def test_a_file_replaced_by_another_is_read_again(tmp_path: Path) -> None:
    """As Kubernetes and deployment tools do it."""
    path, new = tmp_path / "keys", tmp_path / "new"
    path.write_text(line("shop", "submit", SHOP))
    file = KeyFile(path)
    assert set(file.keys()) == {SHOP.id}
    new.write_text(line("shop", "submit", ADA))
    os.utime(new, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    os.replace(new, path)
    assert set(file.keys()) == {ADA.id}


@pytest.mark.parametrize("data", [None, b"", b"nonsense"])
def test_a_file_that_became_wrong_keeps_its_keys(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "keys"
    path.write_text(line("shop", "submit", SHOP))
    file = KeyFile(path)
    assert set(file.keys()) == {SHOP.id}
    path.unlink() if data is None else path.write_bytes(data)
    assert set(file.keys()) == {SHOP.id}
    path.write_text(line("ada", "view", ADA))
    assert set(file.keys()) == {ADA.id}


def test_without_a_file_there_are_no_keys() -> None:
    assert KeyFile(None).keys() == {}
    assert KeyFile(None).given is False


def test_a_key_that_was_read_shows_no_hash(tmp_path: Path) -> None:
    keys = parse(line("shop", "submit", SHOP))
    assert SHOP.sha256 not in repr(keys)
    assert SHOP.secret not in repr(keys)
