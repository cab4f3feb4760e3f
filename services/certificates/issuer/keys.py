"""`python -m bureau.services.certificates.issuer.keys`: makes a key that signs certificates, and prints both halves."""

from secrets import token_urlsafe

from bureau.signing.certificate_tokens import KEY_BYTES, Signer


def main() -> None:
    key = token_urlsafe(KEY_BYTES)
    print("# The issuer's, secret, kept for as long as it issues:")
    print(f"ISSUER_SIGNING_KEY={key}")
    print("# The gateway's, for the page behind each certificate's QR code; keep those of earlier keys beside it:")
    print(f"CERTIFICATES_PUBLIC_KEYS={Signer(key).public_key}")


if __name__ == "__main__":
    main()
