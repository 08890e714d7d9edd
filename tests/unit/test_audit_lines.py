"""The lines of `audit show`: both answers, or the one word of an earlier version, in the width of a terminal."""

from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from pipeline.answer.judgement import Basis, Judgement, Soundness, Verdict
from polelens.cli.overview import overview_tables
from polelens.cli.tables import photograph_table
from storage.overview import Judged, Overview, Reliance, Share
from tests.stored_explanations import JUDGEMENT, explained

WIDTH = 80  # columns


def shown(*parts: object) -> str:
    """What a terminal shows, at most as wide as it is."""
    console = Console(width=WIDTH, markup=False, emoji=False, highlight=False)
    with console.capture() as captured:
        console.print(*parts, sep="\n")
    return captured.get()


def line(judgement: Judgement) -> str:
    """What is shown of a photograph with this judgement."""
    row = explained(1, (3, 4), {"TRE": np.array([0.1, 0.2, 0.3])})
    assert row.attribution is not None
    label = replace(row.attribution.labels[0], judgement=judgement)
    return shown(photograph_table(replace(row, attribution=replace(row.attribution, labels=(label,)))))


@pytest.mark.parametrize(
    ("sound", "basis", "words"),
    [
        ("sound", "object", "sound, object"),
        ("doubtful", "background", "doubtful, background"),
        ("nothing to explain", "unknown", "nothing, unknown"),
    ],
)
def test_a_line_has_both_answers(sound: str, basis: str, words: str) -> None:
    """Whole, in their column; and below the line each as a sentence."""
    answers = Soundness(sound, None, "gap", 0.5, "It is."), Basis(basis, "It does.")
    told = line(replace(JUDGEMENT, soundness=answers[0], basis=answers[1]))
    assert words in told
    assert f"TRE: Is the explanation sound? {sound.capitalize()}. It is." in told
    assert f"TRE: What does the answer rest on? {basis.capitalize()}. It does." in told


@pytest.mark.parametrize("name", ["forest-betong-202600003.jpg", "a folder/of many/with names as long/as 0001.jpg"])
def test_a_name_is_whole(name: str) -> None:
    """On one line or folded onto several: cut, two photographs of a folder would look the same."""
    row = replace(explained(1, (3, 4), {"TRE": np.array([0.1, 0.2, 0.3])}), image_name=name)
    lines = shown(photograph_table(row)).split("fit: ")[0].splitlines()[1:]
    width = lines[0].index("TRE")
    assert "".join("".join(line[:width] for line in lines).split()) == "".join(name.split())


@pytest.mark.parametrize("word", ["trusted", "unexplained", "unstable", "unfaithful", "background"])
def test_a_verdict_of_before_is_told_apart(word: str) -> None:
    """By a star in its line, and in words below."""
    told = line(replace(JUDGEMENT, soundness=None, basis=None, verdict=Verdict(word, "gap", 0.5, "It was.")))
    assert f"{word}* " in told
    assert f"TRE: {word} (judged by an earlier version, in one word): It was." in told
    assert "Is the explanation sound?" not in told


def test_the_overview_says_both_answers_and_what_was_judged_before() -> None:
    """A bar for each answer that occurs, of all that have answers; the old verdicts have a table of their own."""
    found = Overview(
        judgements=[
            Judged("sound", None, "object", True, 17, 0.0),
            Judged("doubtful", "few superpixels", "background", True, 7, 0.0),
            Judged("sound", None, "unknown", False, 8, 0.0),
        ],
        verdicts=[Share("trusted", 2, 1.0)],
        background_reliance=[Reliance(None, 24, 0.2, 0.12, 0.31, 24)],
    )
    told = shown(*overview_tables(found, 3))
    lines = [" ".join(one.replace("#", "").split()) for one in told.splitlines()]
    for expected in (
        "the object 53% 17",
        "the background 22% 7",
        "unknown: no mask 25% 8",
        "sound 78% 25",
        "doubtful: few superpixels 22% 7",
        "trusted 100% 2",
        "all --o--- 0.20 (0.12 to 0.31) 24",
    ):
        assert expected in lines
    assert "on 17 of 24 photographs with a mask (of 32) rest on it." in " ".join(told.split())


def test_the_object_has_the_audit_s_own_word() -> None:
    """In every sentence and portion; nothing else is called so."""
    judged = [Judged("sound", None, "object", True, 30, 0.75), Judged("sound", None, "unknown", False, 10, 0.25)]
    told = " ".join(shown(*overview_tables(Overview(judgements=judged), 3, "bird's head")).split())
    assert "The model looks at the bird's head: the answers on 30 of 30 photographs with a mask (of 40)" in told
    assert "the object" not in told
    basis = Basis("object", "The answer rests on the object.")
    row = explained(1, (3, 4), {"TRE": np.array([0.1, 0.2, 0.3])})
    assert row.attribution is not None
    label = replace(row.attribution.labels[0], judgement=replace(JUDGEMENT, basis=basis))
    line = replace(row, attribution=replace(row.attribution, labels=(label,)))
    shown_line = " ".join(shown(photograph_table(line, "bird's head")).split())
    assert "rest on? Bird's head. The answer rests on the bird's head." in shown_line
