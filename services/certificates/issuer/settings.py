"""Defines the settings of the built-in issuer."""

from pathlib import Path
from typing import Literal, Self

from pydantic import DirectoryPath, Field, FilePath, SecretStr, field_validator, model_validator

from bureau.services.certificates.issuer.pdf.design_settings import Looks, design_path, image_svg
from bureau.settings import Settings
from bureau.signing.certificate_tokens import Signer

_COLOUR = r"^$|^#[0-9A-Fa-f]{6}$"


class IssuerSettings(Settings):
    """Holds the issuer's settings. The limits bound the cost of a request.

    At about 70 certificates a second, 5,000 rows stay within the client's timeout of 120 s.
    """

    issuer_organisation: str = Field(
        default="Bureau",
        min_length=1,
        max_length=80,
        description="The organisation that issues, as printed on each certificate.",
    )
    issuer_design: str = Field(
        default="classic",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$",
        description="The design: `classic`, `modern`, `minimal`, or the name of one in ISSUER_DESIGNS_DIR.",
    )
    issuer_designs_dir: DirectoryPath | None = Field(
        default=None, description="A folder of your own designs: Typst templates named `<name>.typ`."
    )
    issuer_language: Literal["en", "es", "ca", "fr", "pt"] = Field(
        default="en", description="The language of certificates if neither row, request nor header says one."
    )
    issuer_logo: FilePath | None = Field(default=None, description="An image of the logo: PNG or SVG, at most 2 MB.")
    issuer_signature: FilePath | None = Field(
        default=None, description="An image of the signature: PNG or SVG, at most 2 MB."
    )
    issuer_signatory: str = Field(
        default="",
        max_length=160,
        description="The text below the signature: `Jane Doe | Director` makes two lines.",
    )
    issuer_colour_primary: str = Field(
        default="",
        pattern=_COLOUR,
        description="The main colour, such as `#1b2a41`; if empty, the design's own colour.",
    )
    issuer_colour_accent: str = Field(
        default="",
        pattern=_COLOUR,
        description="The colour of lines and ornaments, in the same form; if empty, the design's own colour.",
    )
    issuer_signing_key: SecretStr = Field(
        default=SecretStr(""),
        description="The key that signs the link in each QR code, 32 bytes in base64url. If everything runs in one "
        "process, Bureau makes and keeps a key; otherwise certificates have no link without it.",
    )
    public_url: str = Field(
        default="", description="The address at which clients reach the gateway; if empty, made from BIND."
    )
    issuer_fonts_dir: DirectoryPath | None = Field(
        default=None,
        description="A folder of fonts for scripts that the built-in fonts lack (Arabic, Chinese, …).",
    )
    issuer_row_errors: Literal["refuse", "issue_good"] = Field(
        default="refuse",
        description="What to do if rows have errors: `refuse` all rows, or `issue_good` issues the good rows and lists "
        "the others in `errors.csv`.",
    )
    issuer_max_rows: int = Field(
        default=5_000, ge=1, description="The maximum number of rows in all rosters of a request."
    )
    issuer_max_roster_bytes: int = Field(default=5 * 1024 * 1024, ge=1, description="The maximum size of one roster.")
    issuer_max_request_bytes: int = Field(
        default=100 * 1024 * 1024, ge=1, description="The maximum size of a request's body."
    )

    @field_validator("issuer_logo", "issuer_signature")
    @classmethod
    def _image(cls, value: Path | None) -> Path | None:
        if value is not None:
            image_svg(value)
        return value

    @field_validator("issuer_signing_key")
    @classmethod
    def _key(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            Signer(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _design(self) -> Self:
        try:
            design_path(self.issuer_design, self.issuer_designs_dir)
        except ValueError as error:
            raise ValueError(f"ISSUER_DESIGN: {error}") from None
        return self

    @property
    def looks(self) -> Looks:
        return Looks(
            design=design_path(self.issuer_design, self.issuer_designs_dir),
            logo=image_svg(self.issuer_logo) if self.issuer_logo else "",
            signature=image_svg(self.issuer_signature) if self.issuer_signature else "",
            signatory=self.issuer_signatory,
            primary=self.issuer_colour_primary,
            accent=self.issuer_colour_accent,
        )
