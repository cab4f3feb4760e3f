"""Settings of the certificates service: refused by name, secrets masked."""

import pytest

from bureau.services.certificates.issuer.settings import IssuerSettings
from bureau.services.certificates.settings import CertificatesSettings
from bureau.settings import SettingsError, load


def test_the_built_in_issuer_is_the_default() -> None:
    assert CertificatesSettings().certificates_api.get_secret_value() == "builtin"


def test_every_error_is_told_at_once_and_no_value_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CERTIFICATES_API", "ftp://user:hunter2@example.com")
    monkeypatch.setenv("CERTIFICATES_TIMEOUT_SECONDS", "-1")
    monkeypatch.setenv("ISSUER_FONTS_DIR", "/no/such/folder")
    with pytest.raises(SettingsError) as caught:
        load(CertificatesSettings, IssuerSettings)
    told = "\n".join(caught.value.errors)
    for name in ("CERTIFICATES_API", "CERTIFICATES_TIMEOUT_SECONDS", "ISSUER_FONTS_DIR"):
        assert name in told
    assert "hunter2" not in told


def test_a_password_in_the_address_is_masked() -> None:
    settings = CertificatesSettings(certificates_api="https://user:hunter2@example.com/issue")
    assert "hunter2" not in repr(settings)
