"""Kept figures are those that counting gives, whatever is done to an audit's rows, and by whomever."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url, text

from pipeline.answer.judgement import Thresholds
from pipeline.recipe import Recipe
from polelens.stack.address import password
from storage.blobs import FolderBlobs
from storage.forget.audits import AuditRemoval
from storage.forget.images import ImagesRemoval
from storage.forget.trail import act
from storage.listing import Which, known, listed
from storage.progress import LOCK, Progress, keep
from storage.rejudging import Rejudging
from tests.played_ledger import PROBE, Desk, attribution, await_blocked

PHOTOGRAPHS = ("a1", "a2", "a3", "b1", "b2", "b3")
SELECTIONS = ("all", "a*", "b*", "*1", "*3")
MASK = "UPDATE image SET mask_sha256 = :value WHERE name = :name RETURNING 1"
LABEL = "UPDATE image SET label = :value WHERE name = :name RETURNING 1"
KEPT = "SELECT count(*) FROM audit_figures"
ROWS = """
SELECT e.image_id, e.state, e.reason, e.evaluations,
       (SELECT sum(stop - start) FROM part WHERE explanation_id = e.id AND seconds IS NOT NULL) AS asked
FROM audit_explanation ae JOIN explanation e ON e.id = ae.explanation_id WHERE ae.audit_id = :id
"""


T = TypeVar("T")


class Play:
    """A person who does to audits what people and workers do, by chance."""

    def __init__(self, desk: Desk, blobs: FolderBlobs, seed: int) -> None:
        self.desk, self.blobs, self.chance = desk, blobs, np.random.Generator(np.random.Philox(seed))
        self.desk.photographs(*PHOTOGRAPHS)

    def act(self) -> str:
        """Do something; what cannot be done now is refused, and changes nothing."""
        name, do = self._any(tuple(self._acts().items()))
        try:
            do()
        except ValueError:
            return f"{name}, refused"
        return name

    def _acts(self) -> dict[str, Callable[[], object]]:
        audits, step = self.desk.audits, lambda: self.desk.ledger.produce(64)
        recipe = Recipe("default", judge=bool(self.chance.integers(2)))
        return {
            "start": lambda: audits.start(self.desk.model, recipe, self._any(SELECTIONS)),
            "refit": lambda: audits.refit(self._audit(), self.desk.model, replace(recipe, kernel_width=0.5)),
            "explain": lambda: [self._finish(one.explanation) for one in step()],
            "explain some": lambda: [self._finish(one.explanation) for one in step()[:2]],
            "fail": lambda: [self.desk.ledger.fail("prepare", one.explanation, "torn") for one in step()[:1]],
            "cancel": lambda: audits.cancel(self._audit()),
            "resume": lambda: audits.resume(self._audit()),
            "rejudge": lambda: Rejudging(self.desk.engine, Thresholds(gap=self.chance.random())).plan(self._audit()),
            "mask": lambda: self._image(MASK, self._any(("ab", "cd"))),
            "label": lambda: self._image(LABEL, self._any(("yes", "no"))),
            "remove photographs": lambda: self._remove_image() if self.chance.random() < 0.3 else None,
            "delete": lambda: AuditRemoval(self.desk.engine, self.blobs, self._audit()).carry_out(act("audit delete")),
        }

    def _finish(self, explanation: int) -> None:
        job = self.desk.ledger.begin(explanation)
        if job is None or job.answered or job.refit_of:  # judged anew, it may as well fail: it keeps its answer
            self.desk.ledger.fail("prepare", explanation, "its scores are gone")
            self.desk.ledger.settle()
            return
        self.desk.answer(self.desk.ledger.open_round(job, "scene", PROBE, 5))
        claimed = self.desk.ledger.claim_reduction(job.id)
        if claimed:
            assert self.desk.ledger.finish(claimed, attribution("no", "yes"))
            self.desk.ledger.settle()

    def _audit(self) -> int:
        numbers = [one.id for one in self.desk.audits.all()]
        if not numbers:
            raise ValueError("there is no audit yet")
        return self._any(tuple(numbers))

    def _image(self, change: str, value: str) -> None:
        self.desk.value(change, value=value, name=self._any(PHOTOGRAPHS))

    def _remove_image(self) -> None:
        ImagesRemoval(self.desk.engine, self.blobs, self._any(PHOTOGRAPHS)).carry_out(act("images remove"))

    def _any(self, given: Sequence[T]) -> T:
        return given[int(self.chance.integers(len(given)))]


def _by_hand(desk: Desk, number: int) -> Progress:
    """An audit's progress from its rows, one by one."""
    with desk.engine.begin() as c:
        rows = c.execute(text(ROWS), {"id": number}).all()
    states = [row.state for row in rows]
    photographs = len({row.image_id for row in rows})
    evaluations = sum(row.evaluations for row in rows)
    return Progress(
        desk.audits.get(number).state,
        photographs,
        max(states.count("done") - (len(rows) - photographs), 0),
        states.count("failed"),
        sum(state in ("preparing", "running", "ready", "reducing") for state in states),
        evaluations + sum(row.asked or 0 for row in rows),
        not_rejudged=sum(row.state == "done" and row.reason is not None for row in rows),
        evaluations_done=evaluations,
    )


@pytest.mark.parametrize("seed", range(2))
def test_figures_are_those_of_the_rows_whatever_happens(desk: Desk, tmp_path: Path, seed: int) -> None:
    """Counted by hand after each of a hundred things done by chance, with audits that share what they explain."""
    play = Play(desk, FolderBlobs(tmp_path / "blobs"), seed)
    done, told = [], 0
    for _ in range(100):
        done.append(play.act())
        if play.chance.random() < 0.6:
            keep(desk.engine)
        for one, found in listed(desk.engine, Which()):
            told += found.kept_at is not None
            assert replace(found, kept_at=None) == _by_hand(desk, one.id), (one.id, done)
            assert desk.audits.progress(one.id) == found
    assert told


def test_what_is_kept_needs_no_count(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an audit that has ended, once the sweep has come; of one that goes on, or was cancelled, nothing is kept."""
    for name, do in (("a", None), ("b", desk.audits.cancel), ("c", None)):
        number = desk.audit(name, images=name)
        if do:
            do(number)
        elif name == "a":
            [step] = desk.ledger.produce(1)
            desk.finish(step)
            desk.ledger.settle()
    assert keep(desk.engine) == [1]
    assert keep(desk.engine) == []
    assert [(one.id, found is not None) for one, found in known(desk.engine, Which())] == [
        (3, False),
        (2, False),
        (1, True),
    ]
    monkeypatch.setattr("storage.progress.counted", None)
    assert desk.audits.progress(1).done == 1


@pytest.fixture
def ended(desk: Desk) -> Desk:
    """An audit of a photograph that has ended, and whose figures are not kept yet."""
    desk.audit("a")
    [step] = desk.ledger.produce(1)
    desk.finish(step)
    desk.ledger.settle()
    return desk


def _remove(desk: Desk, blobs: FolderBlobs) -> None:
    ImagesRemoval(desk.engine, blobs, "b").carry_out(act("images remove"))


def _mask(desk: Desk, blobs: FolderBlobs) -> None:
    desk.value(MASK, value="ab", name="a")
    Rejudging(desk.engine, Thresholds()).plan(1)


CHANGES: dict[str, Callable[[Desk, FolderBlobs], object]] = {
    "an audit of the same tries again what failed": lambda desk, _: desk.audit(images="b"),
    "it is tried again": lambda desk, _: desk.audits.resume(1),
    "it is judged anew by another mask": _mask,
    "a photograph is removed": _remove,
    "a label becomes known": lambda desk, _: desk.value(LABEL, value="yes", name="a"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_drops_what_was_kept(desk: Desk, tmp_path: Path, name: str) -> None:
    """With the label too: no photograph is counted by it for progress, and what is remembered by these figures is."""
    blobs = FolderBlobs(tmp_path / "blobs")
    desk.audit("a", "b")
    first, second = desk.ledger.produce(2)
    desk.finish(first)
    desk.ledger.begin(second.explanation)
    desk.ledger.fail("prepare", second.explanation, "torn")
    desk.ledger.settle()
    assert keep(desk.engine) == [1]
    CHANGES[name](desk, blobs)
    assert desk.value(KEPT) == 0
    assert desk.audits.progress(1) == _by_hand(desk, 1)


REASON = "UPDATE explanation SET reason = 'torn' WHERE state = 'done'"


def test_nothing_is_kept_while_somebody_changes_the_rows(ended: Desk) -> None:
    """The change cannot be seen yet, and would be missing from what was counted for good."""
    with ended.engine.begin() as c:
        c.execute(text(REASON))
        assert keep(ended.engine) == []
    assert keep(ended.engine) == [1]
    assert ended.audits.progress(1).not_rejudged == 1


def test_a_change_waits_for_who_counts_and_drops_what_was_kept(ended: Desk) -> None:
    """Otherwise it would find nothing to drop, and what was counted without it would stay."""
    with ThreadPoolExecutor(1) as pool:
        with ended.engine.begin() as c:
            c.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            change = pool.submit(ended.change, REASON)
            await_blocked(c)
            c.execute(text("INSERT INTO audit_figures VALUES (1, 1, 1, 0, 0, 0)"))
        change.result()
    assert ended.value(KEPT) == 0
    assert ended.audits.progress(1).not_rejudged == 1


def test_what_workers_do_all_day_waits_for_nobody(ended: Desk) -> None:
    """A photograph is produced, prepared and answered while figures are counted."""
    ended.audit("b")
    with ended.engine.begin() as c:
        c.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        [step] = ended.ledger.produce(1)
        ended.finish(step)
    assert ended.audits.progress(2).done == 2


def test_a_login_of_the_version_before_makes_no_figure_wrong(ended: Desk, database_url: str) -> None:
    """It may change explanations, has not been given the new table, and what it changes drops what was kept."""
    assert keep(ended.engine) == [1]
    url, secret = make_url(database_url).set(drivername="postgresql"), password()
    name = sql.Identifier(f"before_{url.database}")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as c:
        c.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, secret))
        c.execute(sql.SQL("GRANT SELECT, UPDATE ON explanation TO {}").format(name))
    old = url.set(username=f"before_{url.database}", password=secret)
    with psycopg.connect(old.render_as_string(hide_password=False)) as c:
        c.execute(REASON)
    assert ended.value(KEPT) == 0


def test_postgres_knows_the_size_of_a_new_audit_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is large: until then a page of it is planned as if it had a few photographs."""
    analysed = "SELECT count(*) FROM pg_stats WHERE tablename = 'audit_explanation'"
    desk.audit("a", "b")
    assert desk.value(analysed) == 0
    monkeypatch.setattr("storage.progress.SMALL", 0)
    desk.audits.start(desk.model, desk.audits.get(1).recipe)
    assert desk.value(analysed) == 2
