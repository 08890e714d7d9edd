"""The documents, and the commands that they show."""

import json
import re
from pathlib import Path

from sqlalchemy import make_url

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
OPERATIONS = ROOT / "docs/operations.md"
BLOCK = re.compile(r"^```(sh(?: \w+)?|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(document: Path, kind: str) -> list[str]:
    """The fenced blocks of a kind in a document."""
    return [body for found, body in BLOCK.findall(document.read_text()) if found == kind]


def libpq(address: str) -> dict[str, str]:
    """The variables by which pg_dump, psql and the like find a database."""
    url = make_url(address)
    found = {
        "HOST": url.host,
        "PORT": url.port,
        "USER": url.username,
        "PASSWORD": url.password,
        "DATABASE": url.database,
    }
    return {f"PG{name}": str(value) for name, value in found.items()}


def address(home: Path) -> str:
    """Where the Postgres of a local stack is."""
    return str(json.loads((home / "stack.json").read_text())["database_url"])
