"""Marks: what a person said last counts, and people's agreement is counted by what they were told."""

import pytest

from pipeline.answer.interval import wilson
from storage.grid import Grid
from storage.marks import Mark, Marks
from tests.played_ledger import Desk, attribution


def _explained(desk: Desk, *names: str) -> tuple[int, list[int]]:
    number = desk.audit(*names)
    for step in desk.ledger.produce(64):
        assert desk.ledger.finish(desk.begin_reduction(step), attribution("no", "yes"))
    return number, [one.explanation for one in Grid(desk.engine, number, order="name").all()]


def test_what_a_person_says_later_replaces_what_they_said(desk: Desk) -> None:
    """Each person has one mark of an explanation, and saying nothing takes it back; another's stays."""
    number, [one] = _explained(desk, "a")
    marks = Marks(desk.engine)
    marks.put(one, Mark("bo", "agree"))
    marks.put(one, Mark("anna", "agree", "TRE", "Fog.", ("fog", "dusk", "fog")))
    marks.put(one, Mark("anna", "wrong", comment="Seen again."))
    latest, other = marks.of(one)
    assert (latest.who, latest.word, latest.label, latest.comment, latest.tags) == (
        "anna",
        "wrong",
        None,
        "Seen again.",
        (),
    )
    assert latest.marked_at is not None
    assert other.who == "bo"
    marks.put(one, Mark("anna"))
    assert [said.mark.who for said in marks.all(number)] == ["bo"]


def test_every_mark_of_an_audit_is_exported(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """In pages, each once, and those of another audit's photographs not."""
    monkeypatch.setattr("storage.marks.PAGE", 2)
    number, three = _explained(desk, "a", "b", "c")
    marks = Marks(desk.engine)
    desk.audit("d", images="d")
    for step in desk.ledger.produce(64):
        assert desk.ledger.finish(desk.begin_reduction(step), attribution("no"))
        marks.put(step.explanation, Mark("anna", "wrong"))
    given = {(number, who) for number in three for who in ("anna", "bo", "a b")[: number - three[0] + 1]}
    for explanation, who in given:
        marks.put(explanation, Mark(who, "agree"))
    found = [(said.name, said.mark.who) for said in marks.all(number)]
    assert sorted(found) == sorted(("abc"[one - three[0]], who) for one, who in given)


def test_agreement_is_a_share_of_marks_with_wilsons_interval(desk: Desk) -> None:
    """By each answer that was given; a mark with neither word counts nowhere."""
    number, three = _explained(desk, "a", "b", "c")
    marks = Marks(desk.engine)
    for explanation, word in zip(three, ("agree", "wrong", "agree"), strict=True):
        marks.put(explanation, Mark("anna", word))
    marks.put(three[0], Mark("bo", comment="Nice."))
    found = {(one.question, one.answer): one for one in marks.agreement(number)}
    assert set(found) == {("soundness", "sound"), ("basis", "object")}
    one = found["basis", "object"]
    assert (one.marks, one.agreed, one.interval) == (3, 2, wilson(2 / 3, 3))


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"word": "maybe"}, "mark is 'maybe'"),
        ({"label": "a\nb"}, "label is"),
        ({"comment": "\0"}, "comment has 1 characters"),
        ({"comment": "x" * 2001}, "comment has 2,001 characters"),
        ({"tags": ("a b",)}, "tag is 'a b'"),
        ({"tags": tuple(map(str, range(21)))}, "there are 21 tags"),
    ],
)
def test_what_is_no_mark_is_refused(wrong: dict, named: str) -> None:
    """Naming what was wrong."""
    with pytest.raises(ValueError, match=named):
        Mark("anna", **wrong)
