"""The views of the judgements: what they say is what was explained, counted and ordered by hand."""

import math
import re
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from alembic import command
from scipy.stats import binomtest
from sqlalchemy import text

from pipeline.answer.interval import of_mean
from pipeline.answer.judgement import Basis, Grounding, Reason, Soundness, Thresholds, Verdict
from pipeline.recipe import Recipe
from storage.database import migrations
from storage.overview import Look, Reliance, overview
from storage.planning import Wanted
from tests.played_ledger import JUDGEMENT, PROBE, Desk, attribution, engine_of

FORMATS = Path(__file__).resolve().parents[2] / "docs/formats.md"


OBJECT, BACKGROUND = ("sound", None, "object"), ("sound", None, "background")
DOUBTED = ("doubtful", "unstable", "object")
NOTHING = ("nothing to explain", None, "unknown")


def _explain(
    desk: Desk,
    given: tuple[str, str | None, str] | str | None,
    reliance: float,
    confidence: float = 0.9,
    known: str | None = None,
    *,
    fill: str | None = None,
    area: float = 0.25,
) -> None:
    """The next photograph, explained for two labels of three, with these two answers or the one word of before."""
    [step] = desk.ledger.produce(1)
    with desk.engine.begin() as c:
        changed = text("UPDATE image SET label = :known WHERE id = (SELECT image_id FROM explanation WHERE id = :id)")
        c.execute(changed, {"known": known, "id": step.explanation})
    job = desk.ledger.begin(step.explanation)
    assert job is not None
    desk.answer(desk.ledger.open_round(job, "scene", PROBE, 10))
    claimed = desk.ledger.claim_reduction(job.id)
    assert claimed is not None
    answered = attribution("yes", "no", spearman=0.5)
    judgement = replace(
        JUDGEMENT,
        grounding=Grounding(mask_area=area, background_reliance=reliance),
        **_answers(given or ""),
        thresholds=Thresholds(gap=0.25),
        confident_fill=fill,
    )
    first = replace(answered.labels[0], judgement=judgement if given else None)
    other = replace(answered.labels[1], judgement=replace(JUDGEMENT, grounding=Grounding(background_reliance=0.5)))
    answer = {"yes": confidence, "no": (1 - confidence) / 2, "neither": (1 - confidence) / 2}
    assert desk.ledger.finish(claimed, replace(answered, probabilities=answer, labels=(first, other)))


def _answers(given: tuple[str, str | None, str] | str) -> dict[str, Any]:
    if isinstance(given, str):
        return {"soundness": None, "basis": None, "verdict": Verdict(given, "gap", 0.5, "It does.")}
    word, reason, basis = given
    return {"soundness": Soundness(word, reason, "stability", 0.5, "It is."), "basis": Basis(basis, "So it does.")}


def test_answers_are_counted_by_photograph(desk: Desk) -> None:
    """Of each audit alone, by its most probable label, what was not judged left out; a mask is told from none."""
    number = desk.audit(*"abcdefg")
    for given in (OBJECT, BACKGROUND, OBJECT, DOUBTED, None, "trusted"):
        _explain(desk, given, 0.5)
    _explain(desk, ("sound", None, "unknown"), math.nan, area=math.nan)
    other = desk.audits.start(desk.model, desk.audits.get(number).recipe, "b")
    found = overview(desk.engine, number, 10)
    assert [(one.soundness, one.reason, one.basis, one.masked, one.photographs) for one in found.judgements] == [
        ("sound", None, "object", True, 2),
        ("doubtful", "unstable", "object", True, 1),
        ("sound", None, "background", True, 1),
        ("sound", None, "unknown", False, 1),
    ]
    assert [one.share for one in found.judgements] == pytest.approx([0.4, 0.2, 0.2, 0.2])
    assert (found.count(), found.count(masked=True), found.count(basis="object")) == (5, 4, 3)
    assert (found.count(sound=True), found.count(sound=True, masked=True, basis="object")) == (4, 2)
    assert [(one.basis, one.share) for one in overview(desk.engine, other, 10).judgements] == [("background", 1)]


def test_verdicts_of_an_earlier_version_are_told_apart(desk: Desk) -> None:
    """Each row has a verdict or two answers; of each audit alone, by its most probable label, in views of their own."""
    number = desk.audit(*"abcde")
    for word in ("trusted", "background", "trusted", None, OBJECT):
        _explain(desk, word, 0.5)
    other = desk.audits.start(desk.model, desk.audits.get(number).recipe, "b")
    found = overview(desk.engine, number, 10)
    assert [(one.verdict, one.photographs) for one in found.verdicts] == [("trusted", 2), ("background", 1)]
    assert [one.share for one in found.verdicts] == pytest.approx([2 / 3, 1 / 3])
    assert [(one.verdict, one.share) for one in overview(desk.engine, other, 10).verdicts] == [("background", 1)]
    assert (found.explanations, found.means["spearman"]) == (10, 0.5)
    assert desk.value("SELECT count(*) FROM explanation_flags WHERE verdict IS NOT NULL AND soundness IS NOT NULL") == 0


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
    """Where all values are 0 or 1 it is scipy's for that proportion; for what is between, that of the core."""
    reliances = [1, 1, 0, 1, 1, 1, 0]
    number = desk.audit(*"abcdefghi")
    for value in reliances:
        _explain(desk, OBJECT, value)
    expected = binomtest(5, 7).proportion_ci(0.95, method="wilson")
    [label, everything] = overview(desk.engine, number, 10).background_reliance
    assert (label.label, label.photographs, everything.label) == ("yes", 7, None)
    assert (label.mean, label.low, label.high) == pytest.approx((5 / 7, expected.low, expected.high), abs=1e-12)
    assert replace(label, label=None) == everything == overview(desk.engine, number, 0).reliance
    for _ in range(2):
        _explain(desk, OBJECT, 0.25)
    between = overview(desk.engine, number, 10).reliance
    squares = float(np.var([*reliances, 0.25, 0.25]) * 9)
    assert (between.mean, between.groups) == (pytest.approx(5.5 / 9), 9)
    assert (between.low, between.high) == pytest.approx(of_mean(5.5 / 9, squares, 9), abs=1e-12)


@pytest.mark.parametrize("n", [2, 3, 8, 30, 31, 32, 33, 100, 5000])
def test_the_interval_in_the_database_is_that_of_the_core(desk: Desk, n: int) -> None:
    """One formula, said twice: of zeros and ones, of one value, of hardly anything, of what lies between, in groups."""
    rng = np.random.default_rng(n)
    for values in (np.arange(n) % 2, np.full(n, 0.3), np.zeros(n), np.full(n, 1e-9), rng.beta(0.2, 1.8, n)):
        mean, squares = float(values.mean()), float(np.var(values) * n)
        for groups in (n, max(n // 2, 2)):
            asked = {"mean": mean, "squares": squares, "n": n, "groups": groups}
            with desk.engine.begin() as c:
                found = c.execute(text("SELECT * FROM mean_interval(:mean, :squares, :n, :groups)"), asked).one()
            assert tuple(found) == pytest.approx(of_mean(**asked), abs=1e-7)


def test_photographs_of_one_minute_are_a_group(desk: Desk) -> None:
    """By folder and the time that cameras write into names; two shots of a thing tell as much as one, or no more."""
    names = [f"road/IMG_20260105_17{minute:02}{second:02}.jpg" for minute in range(6) for second in (3, 40)]
    number = desk.audit(*names)
    values = [value for value in (0.1, 0.9, 0.2, 0.8, 0.4, 0.9) for _ in range(2)]
    for value in values:
        _explain(desk, OBJECT, value)
    found = overview(desk.engine, number, 10).reliance
    mean = float(np.mean(values))
    squares = float(sum((2 * (value - mean)) ** 2 for value in values[::2]))
    assert (found.photographs, found.groups, found.mean) == (12, 6, pytest.approx(mean))
    assert (found.low, found.high) == pytest.approx(of_mean(mean, squares, 12, 6), abs=1e-9)
    desk.change("UPDATE image SET name = replace(name, '_1', '-x')")
    alone = overview(desk.engine, number, 10).reliance
    assert alone.groups == 12
    assert found.low < alone.low < alone.high < found.high


def test_what_has_nothing_to_explain_has_no_reliance(desk: Desk) -> None:
    """Its figure is noise: it is in no mean, whichever version judged it."""
    number = desk.audit(*"abcd")
    for given, reliance in ((OBJECT, 0.2), (NOTHING, 0.9), ("unexplained", 0.9), ("trusted", 0.4)):
        _explain(desk, given, reliance)
    found = overview(desk.engine, number, 10).reliance
    assert (found.photographs, found.mean) == (2, pytest.approx(0.3))


def test_too_little_is_known_for_an_interval(desk: Desk) -> None:
    """No photograph with a known reliance has no mean, one no interval, and two that rest on the object have one."""
    number = desk.audit(*"abc")
    _explain(desk, OBJECT, math.nan)
    assert overview(desk.engine, number, 10).reliance == Reliance(None, 0, None, None, None)
    _explain(desk, OBJECT, 0.0)
    assert overview(desk.engine, number, 10).reliance == Reliance(None, 1, 0.0, None, None, 1)
    _explain(desk, OBJECT, 0.0)
    assert (overview(desk.engine, number, 10).reliance.low, overview(desk.engine, number, 10).reliance.mean) == (0, 0)


def test_the_photographs_to_look_at_first_are_ranked_by_reasons(desk: Desk) -> None:
    """The more reasons the earlier, then the higher reliance, then the lower confidence; without a reason never."""
    given = (BACKGROUND, OBJECT, DOUBTED, "background", "trusted", "unstable")
    cases = list(product(given, (0.2, math.nan), (0.9, 0.4), (None, "yes", "no")))
    number = desk.audit(*(f"{place:02}" for place in range(len(cases))))
    for case in cases:
        _explain(desk, *case)

    def order(place: int) -> tuple[float, ...]:
        word, reliance, confidence, known = cases[place]
        reasons = (word not in (OBJECT, "trusted")) + (known == "no") + (confidence < 0.5)
        return (-reasons, math.inf if math.isnan(reliance) else -reliance, confidence, place)

    expected = [f"{place:02}" for place in sorted(range(len(cases)), key=order) if order(place)[0]]
    found = overview(desk.engine, number, 1000)
    assert [look.image for look in found.look_first] == expected
    assert [look.rank for look in found.look_first] == list(range(1, len(expected) + 1))
    assert (overview(desk.engine, number, 3).look_first, found.flagged) == (found.look_first[:3], len(expected))


def test_a_photograph_says_why_it_is_to_be_looked_at(desk: Desk) -> None:
    """Every reason, in words that need no table."""
    number = desk.audit("a")
    _explain(desk, ("doubtful", "unstable", "background"), 0.75, 0.49, "no")
    [look] = overview(desk.engine, number, 10).look_first
    why = "said to be yes but known as no; the answer rests on the background; another run explains it otherwise; "
    why += "the model is only 49 % sure"
    sha256 = str(desk.value("SELECT sha256 FROM image"))
    answers = ("doubtful", "unstable", "background")
    assert look == Look(1, "a", sha256, why, "yes", "yes", 0.49, "no", None, 0.75, *answers)


@pytest.mark.parametrize("reason", get_args(Reason))
def test_every_doubt_is_a_reason_to_look(desk: Desk, reason: str) -> None:
    """In words of its own; and what is said by an earlier version's word still is."""
    number = desk.audit("a", "b")
    _explain(desk, ("doubtful", reason, "unknown"), math.nan)
    _explain(desk, "background", 0.7)
    found = {look.image: look for look in overview(desk.engine, number, 10).look_first}
    assert (found["a"].reason, len(found["a"].why) > 20) == (reason, True)
    assert (found["b"].verdict, found["b"].why) == ("background", "the answer rests on the background")


def test_the_flags_are_those_of_the_explanation(desk: Desk) -> None:
    """One row for each photograph and label, with the thresholds that its verdict was given by."""
    number = desk.audit("a")
    _explain(desk, ("doubtful", "unstable", "background"), 0.75, 0.9, "no", fill="no")
    with desk.engine.begin() as c:
        sql = text("SELECT * FROM explanation_flags WHERE audit = :audit ORDER BY foremost DESC")
        first, other = c.execute(sql, {"audit": number}).mappings()
    assert (first["explained"], first["foremost"], first["probability"], first["confidence"]) == ("yes", True, 0.9, 0.9)
    assert (other["explained"], other["foremost"], other["confidence"]) == ("no", False, 0.9)
    assert other["probability"] == pytest.approx(0.05)
    assert (first["verdict"], first["figure"], first["value"], first["gap"]) == (None, "stability", 0.5, 0.5)
    assert (first["soundness"], first["reason"], first["basis"]) == ("doubtful", "unstable", "background")
    assert (first["sentence"], first["mask_area"]) == ("It is. So it does.", 0.25)
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
    desk.audit("a", "b")
    _explain(desk, "background", 0.75)
    _explain(desk, ("doubtful", "unstable", "background"), 0.75)
    blocks = re.findall(r"^```sql\n(.*?)^```$", FORMATS.read_text(), re.MULTILINE | re.DOTALL)
    queries = [line.partition(";")[0] for block in blocks for line in block.splitlines()]
    views = {"explanation_flags", "judgements", "verdicts", "background_reliance", "look_first"}
    assert views == {word for query in queries for word in query.split() if word in views}
    with desk.engine.begin() as c:
        assert all(c.execute(text(query)).all() for query in queries)


def test_a_sentence_has_the_audit_s_word_for_the_object(desk: Desk) -> None:
    """Two audits of one explanation each have their own."""
    desk.photographs("a")
    for word in ("object", "insulator"):
        desk.audits.begin(desk.model, Wanted(Recipe("default"), "all", object_word=word))
    [step] = desk.ledger.produce(64)
    assert desk.ledger.finish(desk.begin_reduction(step), attribution("no"))
    told = [desk.value("SELECT sentence FROM explanation_flags WHERE audit = :id", id=number) for number in (1, 2)]
    assert told == ["It holds. On the object.", "It holds. On the insulator."]
