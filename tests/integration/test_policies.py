"""Policies: a version that is registered starts its own audit, once, and its comparison with the version before."""

from functools import partial
from pathlib import Path

import pytest

from pipeline.recipe import Recipe
from storage.blobs import FolderBlobs
from storage.comparisons import Comparisons
from storage.ledger import Ledger
from storage.policies import Policies
from storage.reaudits import Order, Started
from storage.registry import Registry, Version
from tests.played_ledger import Desk, at_once, model

RECIPE = Recipe("default")


class Models:
    """A registry whose models nobody runs."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.registry = Registry(desk.engine, FolderBlobs(folder))

    def add(self, onnx: bytes, name: str = "planted", version: int | None = None) -> Version:
        return self.registry.add(model(name, onnx), version)[0]


@pytest.fixture
def models(desk: Desk, tmp_path: Path) -> Models:
    """The desk's registry, with planted@1 in it and two photographs in the archive."""
    desk.photographs("a", "b")
    return Models(desk, tmp_path / "blobs")


@pytest.fixture
def policies(desk: Desk) -> Policies:
    return Policies(desk.engine)


def finish_all(desk: Desk) -> None:
    while steps := desk.ledger.produce(64):
        for step in steps:
            desk.finish(step)
    Ledger(desk.engine).settle()


def test_a_new_version_starts_its_audit_once(desk: Desk, models: Models, policies: Policies) -> None:
    """Four who answer at the same time start one between them; the same bytes again are no new version."""
    desk.audits.start(desk.model, RECIPE)
    policies.set("planted", Order(RECIPE))
    assert policies.answer() == []
    models.add(b"retrained")
    found = at_once(*[policies.answer] * 4)
    assert sorted(map(len, found)) == [0, 0, 0, 1]
    assert [one for some in found for one in some] == [Started(2, "planted@2", 1)]
    models.add(b"retrained")
    models.add(b"a model")
    assert policies.answer() == []
    assert len(desk.audits.all()) == 2
    assert (policies.get("planted").audit, policies.get("planted").problem) == (2, None)


def test_versions_registered_together_are_answered_in_their_order(
    desk: Desk, models: Models, policies: Policies
) -> None:
    """Each is compared with the one before it, whose audit is started where there is none: once."""
    policies.set("planted", Order(RECIPE))
    for onnx in (b"second", b"third"):
        models.add(onnx)
    assert [(one.model, one.before) for one in policies.answer()] == [("planted@2", 2), ("planted@3", 1)]
    assert [desk.audits.get(number).model for number in (1, 2, 3)] == ["planted@2", "planted@1", "planted@3"]
    finish_all(desk)
    assert sorted(Comparisons(desk.engine).due()) == [1, 2]


def test_the_comparison_waits_for_both_audits(desk: Desk, models: Models, policies: Policies) -> None:
    """It is published when both have ended, until somebody begins it, and not while one is cancelled."""
    comparisons = Comparisons(desk.engine)
    policies.set("planted", Order(RECIPE))
    models.add(b"retrained")
    policies.answer()
    assert comparisons.due() == []
    desk.audits.cancel(1)
    finish_all(desk)
    assert comparisons.due() == []
    desk.audits.resume(1)
    finish_all(desk)
    assert comparisons.due() == comparisons.due() == [1]
    assert comparisons.begin(1)
    assert comparisons.due() == []
    [one] = comparisons.all()
    assert (one.model_before, one.model_after, one.state) == ("planted@1", "planted@2", "waiting")


def test_only_an_audit_alike_is_compared_with(desk: Desk, models: Models, policies: Policies) -> None:
    """The newest of the version before, by this recipe and of this selection, that nobody cancelled."""
    alike = desk.audits.start(desk.model, RECIPE, "a")
    desk.audits.cancel(desk.audits.start(desk.model, RECIPE, "a"))
    desk.audits.start(desk.model, Recipe("other", samples=64), "a")
    desk.audits.start(desk.model, RECIPE)
    policies.set("planted", Order(RECIPE, "a"))
    models.add(b"retrained", version=7)
    assert policies.answer() == [Started(5, "planted@7", alike)]
    models.add(b"put in between", version=3)
    [started] = policies.answer()
    assert started == Started(6, "planted@3", alike)


@pytest.mark.parametrize("compare", [True, False])
def test_a_first_version_is_compared_with_nothing(
    desk: Desk, models: Models, policies: Policies, compare: bool
) -> None:
    """A policy may be set before any version is registered; without comparison there is none later either."""
    policies.set("steel", Order(RECIPE, compare=compare))
    models.add(b"first", "steel")
    assert policies.answer() == [Started(1, "steel@1", None)]
    models.add(b"second", "steel")
    assert [one.before for one in policies.answer()] == [1 if compare else None]
    assert len(Comparisons(desk.engine).all()) == compare


def test_what_cannot_start_is_written_down_and_not_tried_again(desk: Desk, models: Models, policies: Policies) -> None:
    """And what had been planned of it is not left behind."""
    policies.set("planted", Order(RECIPE, "nobody*"))
    models.add(b"retrained")
    assert policies.answer() == []
    assert "no photograph is selected by 'nobody*'" in (policies.get("planted").problem or "")
    assert desk.value("SELECT count(*) FROM audit") == 0
    desk.photographs("nobody")
    assert policies.answer() == []
    models.add(b"again")
    assert len(policies.answer()) == 1
    assert policies.get("planted").problem is None


def test_a_policy_is_one_for_a_name(desk: Desk, models: Models, policies: Policies) -> None:
    """A second replaces the first, and versions registered meanwhile count as seen; removed, it starts nothing."""
    policies.set("planted", Order(RECIPE))
    models.add(b"second")
    policies.set("planted@latest", Order(Recipe("other", samples=64), "a", compare=False))
    assert policies.answer() == []
    [one] = policies.all()
    assert (one.model, one.order.recipe.samples, one.order.selection, one.order.compare) == ("planted", 64, "a", False)
    policies.remove("planted")
    models.add(b"third")
    assert policies.answer() == []
    for refused, told in (
        (partial(policies.get, "planted"), "planted has no policy"),
        (partial(policies.remove, "planted"), "planted has no policy"),
        (partial(policies.set, "planted@2", Order(RECIPE)), "planted@2 is one version"),
        (partial(policies.set, "planted", Order(Recipe("x", labels=("maybe",)))), "no label 'maybe'"),
    ):
        with pytest.raises(ValueError, match=told):
            refused()
