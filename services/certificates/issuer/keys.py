"""Creates a key that signs certificates, and prints both halves.

Run it with `python -m bureau.services.certificates.issuer.keys`.
"""

from secrets import token_urlsafe

from bureau.signing.certificate_tokens import KEY_BYTES, Signer


def main() -> None:
    key = token_urlsafe(KEY_BYTES)
    print("# For the issuer. It is secret; keep it as long as the issuer issues:")
    print(f"ISSUER_SIGNING_KEY={key}")
    print("# For the gateway's page behind each certificate's QR code. Keep those of earlier keys beside it:")
    print(f"CERTIFICATES_PUBLIC_KEYS={Signer(key).public_key}")


if __name__ == "__main__":
    main()
