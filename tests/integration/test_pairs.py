"""The photographs of two audits, filtered and in order, held against all of them by brute force."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest
from sqlalchemy import text

from pipeline.change.outcome import STEP
from pipeline.recipe import Recipe
from storage.blobs import FolderBlobs
from storage.comparisons import Compared, Comparison, Comparisons
from storage.filters import Filters
from storage.pairs import MOVED, PAIR_ORDERS, Pairs
from storage.registry import Registry
from tests.played_ledger import Desk, attribution, model

N = 23
COLUMNS = "label_before, label_after, confidence_before, confidence_after, explained_before, explained_after"
INSERT = f"""
INSERT INTO change (comparison_id, image_id, {COLUMNS}, distance, spearman, reliance_before, reliance_after, changed)
SELECT :id, id, :was, :now, 0.5, 0.5, :was, :now, :distance, :spearman, :before, :after, :changed
FROM image WHERE name = :name
"""  # noqa: S608  of constants alone


PREDICTED = """
UPDATE explanation SET predicted = 'no'
WHERE (image_id % 2 = 0) = (id IN (SELECT explanation_id FROM audit_explanation WHERE audit_id = 2))
"""


@pytest.fixture
def compared(desk: Desk, tmp_path) -> Comparison:
    """A comparison of photographs that moved by what chance gives, some of it unknown, with ties."""
    names = [f"photo-{number:02}.jpg" for number in range(N)]
    desk.audit(*names)
    _explain(desk)
    retrained, _ = Registry(desk.engine, FolderBlobs(tmp_path / "blobs")).add(model(onnx=b"retrained"))
    desk.audits.start(retrained, Recipe("default"))
    _explain(desk)
    one = Comparisons(desk.engine).start(1, 2)
    dice = np.random.Generator(np.random.Philox(5))

    def some(value: float) -> float | None:
        return None if dice.random() < 0.2 else float(round(value, 1))

    with desk.engine.begin() as c:
        c.execute(text("UPDATE image SET label = CASE WHEN id % 3 = 0 THEN 'yes' WHEN id % 3 = 1 THEN 'no' END"))
        for name in names:
            was, now = (str(label) for label in dice.choice(["yes", "no"], 2))
            told = {"distance": some(dice.random()), "spearman": some(dice.random()), "was": was, "now": now}
            told |= {"before": some(dice.random()), "after": some(dice.random())}
            c.execute(
                text(INSERT), told | {"id": one.id, "name": name, "changed": [True, False, None][dice.integers(3)]}
            )
    return one


def _explain(desk: Desk) -> None:
    for step in desk.ledger.produce(64):
        assert desk.ledger.finish(desk.begin_reduction(step), attribution("no", "yes"))
    desk.ledger.settle()


def _step(row: Compared) -> float:
    return row.change.reliance_after - row.change.reliance_before  # not a number where one is not known


KEYS: dict[str, Callable[[Compared], float | str]] = {
    "moved": lambda row: -row.change.distance,
    "contrary": lambda row: row.change.spearman,
    "worse": lambda row: -_step(row),
    "better": _step,
    "name": lambda row: row.name,
}
KINDS: dict[str, Callable[[Compared], bool]] = {
    "changed": lambda row: row.changed is True,
    "same": lambda row: row.changed is False,
    "worse": lambda row: row.changed is not False and _step(row) >= STEP,
    "better": lambda row: row.changed is not False and _step(row) <= -STEP,
    "relabelled": lambda row: row.change.label_before != row.change.label_after,
    "mended": lambda row: row.change.label_before != row.label == row.change.label_after,
    "broken": lambda row: row.change.label_after != row.label == row.change.label_before,
}


def _pages(found: Pairs, most: int) -> Iterator[list[str]]:
    after = ""
    while True:
        page = found.page(after=after, most=most)
        yield [one.row.sha256 for one in page.pairs]
        if not page.after:
            return
        after = page.pairs[-1].place


def test_each_order_is_whole_and_the_same_in_pages_both_ways(desk: Desk, compared: Comparison) -> None:
    """Every photograph once, what is not known last; and from the last page back as from the first on."""
    every = list(Comparisons(desk.engine).compared(compared.id))
    for order, key in KEYS.items():
        found = Pairs(desk.engine, compared, order=order)  # type: ignore[arg-type]
        rows = [one.row for one in found.all()]
        assert sorted(row.sha256 for row in rows) == sorted(row.sha256 for row in every)
        known = [key(row) for row in rows if key(row) == key(row)]  # not NaN
        assert known == sorted(known)  # type: ignore[type-var]
        assert all(key(row) == key(row) for row in rows[: len(known)])
        pages = list(_pages(found, 5))
        assert [sha256 for page in pages for sha256 in page] == [row.sha256 for row in rows]
        back = found.page(before=list(found.all())[12].place, most=5)
        assert [one.row.sha256 for one in back.pairs] == [row.sha256 for row in rows[7:12]]
        assert (back.before, back.after) == (True, True)
    assert set(KEYS) == set(PAIR_ORDERS)


def test_each_word_means_what_the_outcome_counts(desk: Desk, compared: Comparison) -> None:
    """As `pipeline.change.outcome` says it, by brute force; and the count is that of the rows."""
    every = list(Comparisons(desk.engine).compared(compared.id))
    for word, holds in KINDS.items():
        found = Pairs(desk.engine, compared, moved=word)
        meant = {row.sha256 for row in every if holds(row)}
        assert {one.row.sha256 for one in found.all()} == meant
        assert found.count() == len(meant)
        assert 0 < len(meant) < N
    assert set(KINDS) == set(MOVED)


def test_filters_are_asked_of_the_later_explanation(desk: Desk, compared: Comparison) -> None:
    """What only the earlier audit's says is not found; filters and words go together."""
    with desk.engine.begin() as c:
        c.execute(text(PREDICTED))
        even = set(c.scalars(text("SELECT sha256 FROM image WHERE id % 2 = 0")))
    every = list(Comparisons(desk.engine).compared(compared.id))
    asked = Filters(predicted="no", name="photo-1")
    found = Pairs(desk.engine, compared, asked, moved="relabelled", order="name")
    meant = [row.name for row in every if row.sha256 in even and "photo-1" in row.name and KINDS["relabelled"](row)]
    assert [one.row.name for one in found.all()] == sorted(meant)
    assert all(one < other for one, other in pairwise(sorted(meant)))
    assert meant


def test_what_takes_too_long_to_count_is_not_counted(desk: Desk, compared: Comparison) -> None:
    """None, and no error: the page says so; a place that is none is refused."""
    found = Pairs(desk.engine, compared, Filters(name="photo"))
    with desk.engine.begin() as c:
        c.execute(text("ALTER TABLE change RENAME TO real"))
        c.execute(text("CREATE VIEW change AS SELECT real.* FROM real, pg_sleep(0.3)"))
    assert found.count(20) is None
    with pytest.raises(ValueError, match="no such place"):
        found.page(after="nowhere")
