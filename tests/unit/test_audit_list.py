"""The list of audits, as a terminal of the usual width shows it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO

from rich.cells import cell_len
from rich.console import Console

from pipeline.model.profile import Profile
from pipeline.recipes import recipe
from polelens.cli.removal import told
from polelens.cli.tables import audit_table
from storage.audits import Audit
from storage.forget.losses import Losses
from storage.progress import Progress
from storage.title import LONGEST_NAME, Title

BEGAN = datetime(2026, 11, 27, 22, 49, tzinfo=UTC)
DONE = Progress("done", 200_000, 199_990, 10, 0, 200_000_000)


def shown(*found: tuple[Audit, Progress]) -> list[str]:
    """The lines of the list of these audits."""
    console = Console(width=80, file=StringIO(), markup=False)
    console.print(audit_table(found))
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]  # a StringIO


def test_the_list_keeps_its_words_whole_in_80_columns() -> None:
    """However long a name is, it takes its own column only: no word beside it is broken, and no line is too long."""
    long = audit(Title("n" * LONGEST_NAME, tags=("north",), started_by="kari"))
    lines = shown((long, DONE), (replace(long, id=124, title=Title("vår 🦜 round")), replace(DONE, state="cancelled")))
    assert max(map(cell_len, lines)) <= 80
    words = {word for line in lines for word in line.split()}
    said = {"123", "poles@12", "occlusion", "road-*", "cancelled", "10", "failed", "2026-11-27", "22:49", "kari", "🦜"}
    assert said | {"199,990/200,000", "#north", "90d"} <= words
    assert "".join(word for line in lines for word in line.split() if set(word) == {"n"}) == "n" * LONGEST_NAME


def test_one_of_a_kind_is_not_told_in_the_plural() -> None:
    """1 audit, 1 photograph of comparisons, 2 scenes."""
    losses = Losses()
    for kind, number in (("audits", 1), ("photographs of comparisons", 1), ("scenes", 2)):
        losses.add(kind, number)
    assert told(losses) == "1 audit, 1 photograph of comparisons, 2 scenes (0 B)"


def audit(title: Title) -> Audit:
    """An audit of that title that took three hours."""
    profile = Profile(size=(224, 224))
    ended = BEGAN + timedelta(hours=3, minutes=21)
    of = (123, "poles@12", "0" * 64, profile, {}, recipe("occlusion"), "road-*", "pole", "cancelled")
    return Audit(*of, BEGAN, ended, keep=90, title=title)
