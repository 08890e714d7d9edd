"""The views of the verdicts: what they say is what was explained, counted and ordered by hand."""

import math
import re
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from alembic import command
from scipy.stats import binomtest
from sqlalchemy import text

from pipeline.answer.judgement import Grounding, Thresholds, Verdict
from storage.database import migrations
from storage.overview import Look, Reliance, overview
from tests.played_ledger import JUDGEMENT, PROBE, Desk, attribution, engine_of

FORMATS = Path(__file__).resolve().parents[2] / "docs/formats.md"


def _explain(
    desk: Desk, word: str | None, reliance: float, confidence: float = 0.9, known: str | None = None, *, fill=None
) -> None:
    """The next photograph, explained for two labels of three."""
    [step] = desk.ledger.produce(1)
    with desk.engine.begin() as c:
        changed = text("UPDATE image SET label = :known WHERE id = (SELECT image_id FROM explanation WHERE id = :id)")
        c.execute(changed, {"known": known, "id": step.explanation})
    job = desk.ledger.begin(step.explanation)
    assert job is not None
    desk.answer(desk.ledger.open_round(job, "scene", PROBE, 10))
    claimed = desk.ledger.claim_reduction(job.id)
    assert claimed is not None
    given = attribution("yes", "no", spearman=0.5)
    judgement = replace(
        JUDGEMENT,
        grounding=Grounding(background_reliance=reliance),
        verdict=Verdict(word or "", "gap", 0.5, "It does."),
        thresholds=Thresholds(gap=0.25),
        confident_fill=fill,
    )
    first = replace(given.labels[0], judgement=judgement if word else None)
    other = replace(given.labels[1], judgement=replace(JUDGEMENT, grounding=Grounding(background_reliance=0.5)))
    answer = {"yes": confidence, "no": (1 - confidence) / 2, "neither": (1 - confidence) / 2}
    assert desk.ledger.finish(claimed, replace(given, probabilities=answer, labels=(first, other)))


def test_verdicts_are_counted_by_photograph(desk: Desk) -> None:
    """Of each audit alone, by its most probable label, what was not judged left out."""
    number = desk.audit(*"abcd")
    for word in ("trusted", "background", "trusted", None):
        _explain(desk, word, 0.5)
    other = desk.audits.start(desk.model, desk.audits.get(number).recipe, "b")
    found = overview(desk.engine, number, 10)
    assert [(one.verdict, one.photographs) for one in found.verdicts] == [("trusted", 2), ("background", 1)]
    assert [one.share for one in found.verdicts] == pytest.approx([2 / 3, 1 / 3])
    assert [(one.verdict, one.share) for one in overview(desk.engine, other, 10).verdicts] == [("background", 1)]
    assert (found.explanations, found.means["spearman"]) == (8, 0.5)


def test_a_known_label_that_the_model_lacks_makes_nothing_wrong(desk: Desk) -> None:
    """Whether the answer is right is unknown then: `wrong` is null, and it is no reason to look."""
    number = desk.audit(*"abcd")
    for known in ("yes", "no", "YES", None):
        _explain(desk, "trusted", 0.1, known=known)
    with desk.engine.begin() as c:
        flags = text(
            "SELECT known_label, wrong FROM explanation_flags WHERE audit = :audit AND foremost ORDER BY image"
        )
        wrong = {row.known_label: row.wrong for row in c.execute(flags, {"audit": number})}
    assert wrong == {"yes": False, "no": True, "YES": None, None: None}
    assert [one.known_label for one in overview(desk.engine, number, 10).look_first] == ["no"]


def test_the_interval_is_wilson_s(desk: Desk) -> None:
    """Where all values are 0 or 1 it is scipy's for that proportion; for what is between it contains the mean."""
    reliances = [1, 1, 0, 1, 1, 1, 0]
    number = desk.audit(*"abcdefghi")
    for value in reliances:
        _explain(desk, "trusted", value)
    expected = binomtest(5, 7).proportion_ci(0.95, method="wilson")
    [label, everything] = overview(desk.engine, number, 10).background_reliance
    assert (label.label, label.photographs, everything.label) == ("yes", 7, None)
    assert (label.mean, label.low, label.high) == pytest.approx((5 / 7, expected.low, expected.high), abs=1e-12)
    assert replace(label, label=None) == everything == overview(desk.engine, number, 0).reliance
    for _ in range(2):
        _explain(desk, "trusted", 0.25)
    between = overview(desk.engine, number, 10).reliance
    assert between.mean == pytest.approx(5.5 / 9)
    assert between.low is not None
    assert between.high is not None
    assert 0 < between.low < 5.5 / 9 < between.high < 1


def test_too_little_is_known_for_an_interval(desk: Desk) -> None:
    """No photograph with a known reliance has no mean, one no interval, and two that rest on nothing have one."""
    number = desk.audit(*"abc")
    _explain(desk, "trusted", math.nan)
    assert overview(desk.engine, number, 10).reliance == Reliance(None, 0, None, None, None)
    _explain(desk, "trusted", 0.0)
    assert overview(desk.engine, number, 10).reliance == Reliance(None, 1, 0.0, None, None)
    _explain(desk, "trusted", 0.0)
    assert (overview(desk.engine, number, 10).reliance.low, overview(desk.engine, number, 10).reliance.mean) == (0, 0)


def test_the_photographs_to_look_at_first_are_ranked_by_reasons(desk: Desk) -> None:
    """The more reasons the earlier, then the higher reliance, then the lower confidence; without a reason never."""
    cases = list(product(("background", "trusted", "unstable"), (0.2, math.nan), (0.9, 0.4), (None, "yes", "no")))
    number = desk.audit(*(f"{place:02}" for place in range(len(cases))))
    for case in cases:
        _explain(desk, *case)

    def order(place: int) -> tuple[float, ...]:
        word, reliance, confidence, known = cases[place]
        reasons = (word != "trusted") + (known == "no") + (confidence < 0.5)
        return (-reasons, math.inf if math.isnan(reliance) else -reliance, confidence, place)

    expected = [f"{place:02}" for place in sorted(range(len(cases)), key=order) if order(place)[0]]
    found = overview(desk.engine, number, 1000)
    assert [look.image for look in found.look_first] == expected
    assert [look.rank for look in found.look_first] == list(range(1, len(expected) + 1))
    assert (overview(desk.engine, number, 3).look_first, found.flagged) == (found.look_first[:3], len(expected))


def test_a_photograph_says_why_it_is_to_be_looked_at(desk: Desk) -> None:
    """Every reason, in words that need no table."""
    number = desk.audit("a")
    _explain(desk, "background", 0.75, 0.49, "no")
    [look] = overview(desk.engine, number, 10).look_first
    why = "said to be yes but known as no; the answer rests on the background; the model is only 49 % sure"
    sha256 = desk.value("SELECT sha256 FROM image")
    assert look == Look(1, "a", sha256, why, "yes", "yes", 0.49, "no", "background", 0.75)  # type: ignore[arg-type]


def test_the_flags_are_those_of_the_explanation(desk: Desk) -> None:
    """One row for each photograph and label, with the thresholds that its verdict was given by."""
    number = desk.audit("a")
    _explain(desk, "background", 0.75, 0.9, "no", fill="no")
    with desk.engine.begin() as c:
        sql = text("SELECT * FROM explanation_flags WHERE audit = :audit ORDER BY foremost DESC")
        first, other = c.execute(sql, {"audit": number}).mappings()
    assert (first["explained"], first["foremost"], first["probability"], first["confidence"]) == ("yes", True, 0.9, 0.9)
    assert (other["explained"], other["foremost"], other["confidence"]) == ("no", False, 0.9)
    assert other["probability"] == pytest.approx(0.05)
    assert (first["verdict"], first["figure"], first["value"], first["gap"]) == ("background", "gap", 0.5, 0.5)
    assert (first["wrong"], first["unsure"], first["confident_fill"]) == (True, False, "no")
    assert (first["thresholds"]["gap"], first["background_reliance"], first["r2_held_out"]) == (0.25, 0.75, None)
    assert overview(desk.engine, number, 1).confident_fills == {"no": 1}


def test_what_was_explained_before_the_views_is_in_them(database_url: str, desk: Desk) -> None:
    """The migration finds what is kept now in what was kept then, and the thresholds are those there were."""
    number = desk.audit("a")
    _explain(desk, "background", 0.75)
    command.downgrade(migrations(database_url), "0003-1")
    command.upgrade(migrations(database_url), "head")
    with engine_of(database_url) as engine:
        found = overview(engine, number, 10)
        with engine.begin() as c:
            flags = c.execute(text("SELECT * FROM explanation_flags WHERE foremost")).mappings().one()
    assert [(look.image, look.predicted, look.confidence) for look in found.look_first] == [("a", "yes", 0.9)]
    assert (flags["explained"], flags["thresholds"], flags["confident_fill"]) == (
        "yes",
        {"gap": 0.1, "stability": 0.5, "fidelity": 0.5, "background_reliance": 0.6, "fill": 0.5},
        None,
    )


def test_the_queries_of_the_document_are_answered(desk: Desk) -> None:
    """Every SELECT in docs/formats.md finds what is there, one of each view at the least."""
    desk.audit("a")
    _explain(desk, "background", 0.75)
    blocks = re.findall(r"^```sql\n(.*?)^```$", FORMATS.read_text(), re.MULTILINE | re.DOTALL)
    queries = [line.partition(";")[0] for block in blocks for line in block.splitlines()]
    views = {"explanation_flags", "verdicts", "background_reliance", "look_first"}
    assert views == {word for query in queries for word in query.split() if word in views}
    with desk.engine.begin() as c:
        assert all(c.execute(text(query)).all() for query in queries)
