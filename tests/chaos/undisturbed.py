"""What holds after every audit, whatever struck it: nothing lost, nothing doubled, and the numbers of a calm run."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from pipeline.answer.attribution import Attribution, LabelAttribution
from storage.audits import Explained
from storage.keys import explanation_key
from tests.chaos.fault import Broken

if TYPE_CHECKING:
    from tests.chaos.live_stack import Stage

TOLERANCE = 1e-6
QUIET_SECONDS = 120  # in which messages come and are dropped, redelivered or, after an error, tried a minute later
FILES = {"scores.npz"}
ROWS = "SELECT count(*) FROM audit_explanation WHERE audit_id = :audit"
IMAGES = """SELECT count(DISTINCT e.image_id) FROM explanation e JOIN audit_explanation ae ON ae.explanation_id = e.id
            WHERE ae.audit_id = :audit"""
ATTRIBUTED = "SELECT count(*) FROM attribution"
LEASED = "SELECT count(*) FROM explanation WHERE lease_until IS NOT NULL"


def assert_undisturbed(stage: "Stage", photographs: int, failed: Mapping[str, str]) -> None:
    """Raise Broken with all that is not as it should be; `failed` has the reasons to be expected, by photographs."""
    rows = stage.results()
    problems = [
        *_states(rows, photographs, failed),
        *_counts(stage, photographs, len(failed)),
        *_queues(stage),
        *_blobs(stage, rows),
        *(problem for row in rows if row.state == "done" for problem in _numbers(row, stage.undisturbed(row))),
    ]
    if problems:
        raise Broken("\n".join(problems))


def _states(rows: list[Explained], photographs: int, failed: Mapping[str, str]) -> Iterator[str]:
    """Every photograph is done, or failed for the reason that was to be expected."""
    if len(rows) != photographs:
        yield f"{len(rows)} of {photographs} photographs are done or failed"
    for row in rows:
        if row.reason != failed.get(row.image_name):
            yield f"{row.image_name} is {row.state}: {row.reason}, expected {failed.get(row.image_name)}"


def _counts(stage: "Stage", photographs: int, failed: int) -> Iterator[str]:
    """One row for each audit and photograph, one attribution each, no part and no lease left, and the tally agrees."""
    done = photographs - failed
    evaluations = stage.value("SELECT sum(evaluations) FROM explanation WHERE state = 'done'")
    found = {
        "rows of the audit": (stage.value(ROWS, audit=stage.audit), photographs),
        "photographs in the audit": (stage.value(IMAGES, audit=stage.audit), photographs),
        "attributions": (stage.value(ATTRIBUTED), done),
        "parts left over": (stage.value("SELECT count(*) FROM part"), 0),
        "leases left over": (stage.value(LEASED), 0),
        "photographs counted": (stage.counted("photographs"), done),
        "evaluations counted": (stage.counted("evaluations"), evaluations),
    }
    yield from (f"{name}: {seen}, expected {wanted}" for name, (seen, wanted) in found.items() if seen != wanted)


def _queues(stage: "Stage") -> Iterator[str]:
    """No message is left, waiting or held."""
    try:
        stage.wait(lambda: not stage.depths(), QUIET_SECONDS)
    except Broken:
        yield f"messages are left: {stage.depths()}"


def _blobs(stage: "Stage", rows: list[Explained]) -> Iterator[str]:
    """What is done has its files, and nothing else has any."""
    wanted = {explanation_key(row.key, name) for row in rows if row.state == "done" for name in FILES}
    there = set(stage.bench.archive.blobs.keys("explanations/"))
    if missing := wanted - there:
        yield f"blobs are missing: {sorted(missing)}"
    known = {row.key for row in rows}
    if strange := {key for key in there if key.split("/")[2] not in known}:
        yield f"blobs of nobody: {sorted(strange)}"


def _numbers(row: Explained, calm: Attribution) -> Iterator[str]:
    """The numbers are those of a run that nothing disturbed."""
    found = row.attribution
    if found is None or found.evaluations != calm.evaluations or len(found.labels) != len(calm.labels):
        yield f"{row.image_name} has {found and found.evaluations} evaluations, undisturbed {calm.evaluations}"
        return
    for label, other in zip(found.labels, calm.labels, strict=True):
        ours, theirs = _values(label), _values(other)
        if label.label != other.label or ours.shape != theirs.shape or not np.allclose(ours, theirs, 0, TOLERANCE):
            yield f"{row.image_name} has other numbers for {label.label}: {ours} instead of {theirs}"


def _values(label: LabelAttribution) -> np.ndarray:
    return np.concatenate([label.weights, label.std_error, label.weights_by_seed.ravel(), [label.fit.intercept]])
