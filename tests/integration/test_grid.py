"""The grid: what SQL finds, orders and counts is what a loop over all photographs finds."""

import math
from collections import Counter
from dataclasses import replace
from itertools import product

import pytest
from sqlalchemy import text

from pipeline.answer.judgement import Basis, Grounding, Soundness
from storage.filters import FROM, Filters
from storage.grid import Grid, Order, Tile, check_place, neighbours
from storage.marks import Mark, Marks
from tests.played_ledger import JUDGEMENT, PROBE, Desk, attribution

ANSWERS = [
    (sound, basis, reliance)
    for sound, basis in product(("sound", "doubtful"), ("object", "background", "unknown"))
    for reliance in (0.25, 0.5, math.nan)
]


@pytest.fixture
def audit(desk: Desk) -> int:
    """Eighteen photographs with all kinds of answers, some labelled, some marked; and an audit of others."""
    number = desk.audit(*(f"site {n % 3}/photo_{n:02}.jpg" for n in range(len(ANSWERS))))
    for n, given in enumerate(ANSWERS):
        _explain(desk, n, *given)
    other = desk.audit("other.jpg", images="other.jpg")
    _explain(desk, 3, "sound", "background", 0.9)
    assert desk.audits.progress(other).done == 1
    marks, tiles = Marks(desk.engine), list(Grid(desk.engine, number, order="name").all())
    marks.put(tiles[0].explanation, Mark("anna", "agree", tags=("fog",)))
    marks.put(tiles[0].explanation, Mark("bo", "wrong"))
    marks.put(tiles[1].explanation, Mark("bo", "wrong", label="no"))
    marks.put(tiles[2].explanation, Mark("bo", comment="hm"))
    return number


def _explain(desk: Desk, n: int, sound: str, basis: str, reliance: float) -> None:
    [step] = desk.ledger.produce(1)
    label = (None, "yes", "no", "neither")[n % 4]
    with desk.engine.begin() as c:
        changed = text("UPDATE image SET label = :label WHERE id = (SELECT image_id FROM explanation WHERE id = :id)")
        c.execute(changed, {"label": label, "id": step.explanation})
    job = desk.ledger.begin(step.explanation)
    assert job is not None
    desk.answer(desk.ledger.open_round(job, "scene", PROBE, 10))
    claimed = desk.ledger.claim_reduction(job.id)
    assert claimed is not None
    reason = "unstable" if sound == "doubtful" else None
    judged = replace(
        JUDGEMENT,
        grounding=Grounding(background_reliance=reliance),
        soundness=Soundness(sound, reason, "gap", 0.5, "It is."),  # type: ignore[arg-type]
        basis=Basis(basis, "So it does."),  # type: ignore[arg-type]
    )
    answered = attribution("yes", "no")
    confidence = 0.5 + n / 100 if n % 2 else 0.5
    labels = (replace(answered.labels[0], judgement=judged), answered.labels[1])
    given = {"yes": confidence, "no": 1 - confidence}
    assert desk.ledger.finish(claimed, replace(answered, probabilities=given, labels=labels))


def _worry(one: Tile) -> float:
    return -((one.basis == "background") + (one.soundness == "doubtful") + (one.reliance or 0))


KEYS = {"worst": _worry, "unsure": lambda one: one.confidence, "name": lambda one: one.name}
ASKED: list[tuple[Filters, object]] = [
    (Filters(), lambda one: True),
    (Filters(basis="background"), lambda one: one.basis == "background"),
    (Filters(soundness="doubtful", basis="object"), lambda one: (one.soundness, one.basis) == ("doubtful", "object")),
    (Filters(known="yes"), lambda one: one.known == "yes"),
    (Filters(right="no"), lambda one: one.wrong is True),
    (Filters(right="yes"), lambda one: one.wrong is False),
    (Filters(name="SITE 1/"), lambda one: one.name.startswith("site 1/")),
    (Filters(name="o_0"), lambda one: "o_0" in one.name),
    (Filters(name="*_0?.jpg"), lambda one: "_0" in one.name),
    (Filters(least=0.55, most=0.6), lambda one: 0.55 <= one.confidence <= 0.6),
    (Filters(leans=0.3), lambda one: one.reliance is not None and one.reliance >= 0.3),
    (Filters(leans_most=0.3), lambda one: one.reliance is not None and one.reliance <= 0.3),
    (Filters(mark="wrong"), lambda one: one.disagreed > 0),
    (Filters(mark="agree"), lambda one: one.agreed > 0),
    (Filters(tag="fog"), lambda one: "fog" in one.tags),
    (Filters(predicted="nobody's"), lambda one: False),
]


def test_every_filter_finds_what_a_loop_finds(desk: Desk, audit: int) -> None:
    """And counts as many; the counts beside a question are of what is asked otherwise."""
    every = list(Grid(desk.engine, audit).all())
    assert len(every) == len(ANSWERS)
    for filters, holds in ASKED:
        grid = Grid(desk.engine, audit, filters)
        wanted = {one.image for one in every if holds(one)}  # type: ignore[operator]
        assert {one.image for one in grid.all()} == wanted, filters
        counts = grid.counts()
        assert counts is not None
        assert counts.photographs == len(wanted)
    counts = Grid(desk.engine, audit, Filters(basis="background", known="yes", least=0.5)).counts()
    assert counts is not None
    yes = [one for one in every if one.known == "yes"]
    assert counts.facets["basis"] == Counter(one.basis for one in yes)
    assert counts.facets["known"] == Counter(one.known for one in every if one.basis == "background" and one.known)
    assert counts.facets["soundness"] == Counter(one.soundness for one in yes if one.basis == "background")


@pytest.mark.parametrize("order", KEYS)
def test_pages_hold_each_photograph_once_in_order_both_ways(desk: Desk, audit: int, order: Order) -> None:
    """Whatever the size of a page, and however many photographs are alike; going back shows the same pages."""
    grid = Grid(desk.engine, audit, order=order)
    every = sorted(grid.all(), key=lambda one: (KEYS[order](one), one.explanation))
    for most in (1, 4, 18, 50):
        pages = [grid.page(most=most)]
        while pages[-1].after:
            pages.append(grid.page(after=pages[-1].tiles[-1].place, most=most))
        assert [one for page in pages for one in page.tiles] == every
        back = [grid.page(before=page.tiles[0].place, most=most).tiles for page in pages[1:]]
        assert back == [page.tiles for page in pages[:-1]]
        assert [page.before for page in pages] == [False] + [True] * (len(pages) - 1)


def test_a_name_of_several_lines_is_a_place(desk: Desk) -> None:
    """A file may be called so, and a list in the order of names goes on behind it."""
    number = desk.audit("a.jpg", "b\nc.jpg", "d.jpg")
    for n in range(3):
        _explain(desk, n, "sound", "object", 0.5)
    grid = Grid(desk.engine, number, order="name")
    names, after = list[str](), ""
    while not names or after:
        page = grid.page(after=after, most=1)
        names += [one.name for one in page.tiles]
        after = page.tiles[0].place if page.after else ""
    assert names == ["a.jpg", "b\nc.jpg", "d.jpg"]


def test_neighbours_are_those_of_the_filtered_order(desk: Desk, audit: int) -> None:
    """The photograph before and after, and none beyond the ends."""
    grid = Grid(desk.engine, audit, Filters(basis="background"))
    every = list(grid.all())
    images = [None, *(one.image for one in every), None]
    assert [neighbours(grid, one) for one in every] == list(zip(images, images[2:], strict=False))
    found = grid.tile(every[2].image)
    assert found == every[2]


def test_an_audit_that_is_long_to_count_is_shown_without_a_count(
    desk: Desk, audit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits for a page does not wait for a number: it is not known, and the page is there."""
    monkeypatch.setattr("storage.grid.FROM", FROM + "CROSS JOIN pg_sleep(0.2)")
    assert Grid(desk.engine, audit).counts(milliseconds=1) is None


@pytest.mark.parametrize("place", ["x", "1", "1~", "~1", "1~x", "nan~1", "1;--~1", "1~" + "9" * 30])
def test_what_is_no_place_is_refused(place: str) -> None:
    """Named, whatever it is."""
    with pytest.raises(ValueError, match="there is no such place"):
        check_place("worst", place)
