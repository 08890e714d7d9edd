"""The documents, and the commands that they show."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README, OPERATIONS, SCHEDULES = (ROOT / name for name in ("README.md", "docs/operations.md", "docs/schedules.md"))
DOCUMENTS = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
ALONE = (README, OPERATIONS, SCHEDULES)  # each has a file of tests of its own, for they take a minute or two
BLOCK = re.compile(r"^```(sh(?: \w+)?|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(document: Path, kind: str) -> list[str]:
    """The fenced blocks of a kind in a document."""
    return [body for found, body in BLOCK.findall(document.read_text()) if found == kind]


def commands(document: Path) -> list[str]:
    """The lines of a document's shell blocks, but for `make`: those CI runs itself."""
    lines = "".join(blocks(document, "sh")).splitlines()
    return [line for line in lines if not line.startswith("make")]


def address(home: Path) -> str:
    """Where the Postgres of a local stack is."""
    return str(json.loads((home / "stack.json").read_text())["database_url"])
