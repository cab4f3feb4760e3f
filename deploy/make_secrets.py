"""Creates the compose stack's passwords at the first start and keeps them at every later one.

Run it with `python -m deploy.make_secrets`. /secrets/passwords holds the passwords; only this container mounts it.
Every other folder is the volume of one container and holds what that container needs; it is rewritten each time. To
change a password, delete its file.
"""

import base64
import hashlib
import json
import os
import secrets
from pathlib import Path

from bureau.signing.certificate_tokens import KEY_BYTES, Signer

ROOT = Path("/secrets")
DEFINITIONS = Path(__file__).with_name("rabbitmq") / "definitions.json"
WORKERS = ("certificates", "reports", "mailer", "tasks")
OWNERS = ("gateway", "scheduler")  # they use the role that owns the tables


def password(name: str, size: int = 24) -> str:
    """Returns a password; it is created from `size` random bytes when it is first needed."""
    path = ROOT / "passwords" / name
    if not path.exists():
        write(path, secrets.token_urlsafe(size), mode=0o400)
    return path.read_text()


def write(path: Path, text: str, *, mode: int = 0o444) -> None:
    """Writes a file atomically. All who mount its folder may read it, because their container runs as another user."""
    new = path.with_name(f".{path.name}")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(text)
    new.chmod(mode)
    os.replace(new, path)


def rabbitmq_hash(plain: str) -> str:
    """Hashes a password as RabbitMQ stores it: a salt of four bytes, and SHA-256 of salt and password."""
    salt = hashlib.sha256(plain.encode()).digest()[:4]  # the same at every start; passwords are random
    return base64.b64encode(salt + hashlib.sha256(salt + plain.encode()).digest()).decode()


def definitions() -> str:
    """Returns the definitions of deploy/rabbitmq, with the users that need a password."""
    defined = json.loads(DEFINITIONS.read_text())
    defined["users"] = [
        {
            "name": permission["user"],
            "password_hash": rabbitmq_hash(password(f"rabbitmq-{permission['user']}")),
            "hashing_algorithm": "rabbit_password_hashing_sha256",
            "tags": [],
        }
        for permission in defined["permissions"]
    ]
    return json.dumps(defined, indent=1)


def main() -> None:
    for name in ("postgres", "bureau", "bureau_worker"):
        write(ROOT / "postgres" / name, password(f"postgres-{name}"))
    write(ROOT / "rabbitmq" / "definitions.json", definitions())
    for process in (*OWNERS, *WORKERS):
        role = "bureau" if process in OWNERS else "bureau_worker"
        database_url = f"postgresql+psycopg://{role}:{password(f'postgres-{role}')}@postgres/bureau"
        write(ROOT / process / "database_url", database_url)
        write(ROOT / process / "broker_url", f"amqp://{process}:{password(f'rabbitmq-{process}')}@rabbitmq/bureau")
    for process in ("gateway", "mailer"):  # the mailer mails the links that the gateway verifies
        write(ROOT / process / "link_secret", password("links"))
    signing_key = password("issuer-signing-key", KEY_BYTES)
    write(ROOT / "issuer" / "signing_key", signing_key)
    write(ROOT / "gateway" / "certificates_public_keys", Signer(signing_key).public_key)
    if (ROOT / "s3").is_mount():  # docker-compose.s3.yml
        for reader in ("s3", *OWNERS, *WORKERS):
            write(ROOT / reader / "s3_user", "bureau")
            write(ROOT / reader / "s3_password", password("s3"))
    print("The stack's passwords are in place.")


if __name__ == "__main__":
    main()
