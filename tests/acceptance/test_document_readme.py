"""The README, followed from top to bottom."""

from tests.documents import README
from tests.newcomer import Newcomer


def test_the_readme_followed(newcomer: Newcomer) -> None:
    """Each of its commands works, in their order, and the pages and pictures it speaks of are there."""
    newcomer.follow(README)
    assert (newcomer.place / "report/index.html").exists()
    assert (newcomer.place / "out/overlay.png").exists()
