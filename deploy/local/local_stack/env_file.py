"""`make env`: the secrets of docker compose, in `.env` beside its file; made once, and readable by the owner only.

What must stay true: a value that is there is never changed; the data in the volumes depends on it.
"""

import os
import secrets
from pathlib import Path

from local_stack.services import SERVICES
from local_stack.state import CHECKOUT, SECRET_NAMES

FILE = CHECKOUT / ".env"
HEADER = "# The secrets of docker compose. Keep a copy: the data can't be read without HASH_KEY and the passwords.\n"


def wanted() -> tuple[str, ...]:
    """The names of all that compose asks for."""
    passwords = [f"{service.package.upper()}_DB_PASSWORD" for service in SERVICES if service.has_database]
    return ("KAFKA_CLUSTER_ID", "POSTGRES_PASSWORD", *passwords, *SECRET_NAMES)


def write(file: Path = FILE) -> list[str]:
    """Add what is missing, and return its names."""
    known = read(file)
    missing = [name for name in wanted() if name not in known]
    if missing:
        text = file.read_text() if file.exists() else HEADER
        lines = "".join(f"{name}={_made(name)}\n" for name in missing)
        new = file.with_name(f"{file.name}.{os.getpid()}.new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
            output.write(text + ("" if text.endswith("\n") else "\n") + lines)
        new.replace(file)
    return missing


def read(file: Path = FILE) -> dict[str, str]:
    """What the file says; empty when there is none."""
    if not file.exists():
        return {}
    pairs = (line.partition("=") for line in file.read_text().splitlines() if line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, equals, value in pairs if equals}


def _made(name: str) -> str:
    if name == "KAFKA_CLUSTER_ID":  # 16 bytes as URL-safe base64; a leading "-" would be taken for an option
        return "c" + secrets.token_urlsafe(16)[1:]
    return secrets.token_hex(32)


if __name__ == "__main__":
    added = write()
    print(f"{FILE}: {', '.join(added) + ' added' if added else 'nothing was missing'}")
