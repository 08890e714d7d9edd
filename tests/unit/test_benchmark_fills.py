"""The measurement of `fill: auto`: both fills on neutral ground."""

from click.testing import CliRunner

from benchmarks.fills import compared, main
from benchmarks.subjects import demo_model, examples
from pipeline.methods.chosen_fill import CANDIDATES


def test_both_explanations_are_held_against_the_same_curves() -> None:
    """The candidate taken is the least of the label."""
    found = compared(demo_model(), examples(1)[0], seeds=1)
    assert found.scores[CANDIDATES.index(found.taken)] == min(found.scores)
    assert found.areas.shape == (2, 2)
    assert ((found.areas > 0) & (found.areas < 1)).all()
    assert (found.gains > 0).all()


def test_it_says_how_much_is_gained_and_what_was_taken() -> None:
    """In one line below the table."""
    done = CliRunner().invoke(main, ["--photographs", "2", "--seeds", "1"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "on 2 photographs; it took" in done.output
