"""A model with many labels: what is kept of its scores, and that what is kept gives the same answers."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.answer.attribution import Attribution, LabelAttribution
from pipeline.answer.denoised import Denoised
from pipeline.conversation.known import Known
from pipeline.conversation.looks import Whole
from pipeline.conversation.probe import Draw, Evidence, Listed, Probe, pack_evidence, unpack_evidence
from pipeline.conversation.reading import Reading
from pipeline.explain import converse
from pipeline.kept_scores import KeptScores
from pipeline.many_labels import listed, rest, restored, shortened
from pipeline.methods import explainer
from pipeline.recipes import recipe
from pipeline.refit import refit
from pipeline.scene.scene import Scene

MANY = tuple(f"label {number:03}" for number in range(60))
K = 12


def scene() -> Scene:
    """Twelve superpixels in lines of four."""
    segments = (np.arange(24)[:, None] // 8 * 4 + np.arange(32) // 8).astype(np.int32)
    generator = np.random.Generator(np.random.Philox(3))
    canvas = generator.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    return Scene(canvas, segments, np.zeros_like(canvas), segments < 5)


def sixty(shown: Scene, masks: np.ndarray) -> np.ndarray:
    """A softmax over sixty labels, of random weights, which takes the bare fill for label 59."""
    generator = np.random.Generator(np.random.Philox(11))
    weights = generator.normal(size=(shown.k, len(MANY))) * 1.5
    logits = masks @ weights + np.where(np.arange(len(MANY)) == 59, 3.0 - 6 * masks.mean(axis=1)[:, None], 0)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)


def conversation(**changes: object) -> tuple[Attribution, list[Evidence]]:
    made = recipe("default").override({"samples": 32, "seeds": [1, 11], **changes})
    return converse(scene(), explainer(made, MANY), sixty)


@pytest.mark.parametrize("most", [60, 61, 0])
def test_a_model_with_few_labels_keeps_every_score(most: int) -> None:
    """Up to the limit, and where there is none: the file is read as those of earlier versions are."""
    answer, evidence = conversation()
    kept = KeptScores.of(evidence, answer, MANY, most)
    assert kept.kept is None
    assert [one.scores.tobytes() for one in unpack_evidence(kept.pack(len(MANY)))] == [
        one.scores.tobytes() for one in evidence
    ]
    assert shortened(answer, most) is answer
    kept.refuse_unkept(MANY, MANY)


def test_a_file_of_an_earlier_version_is_read_as_it_is() -> None:
    """All labels of all rounds, whatever the limit is now."""
    _, evidence = conversation()
    found = KeptScores.unpack(pack_evidence(evidence))
    assert found.kept is None
    assert [one.probe for one in found.evidence] == [one.probe for one in evidence]
    assert all((one.scores == two.scores).all() for one, two in zip(found.evidence, evidence, strict=True))


def test_what_is_kept_is_what_is_spoken_of() -> None:
    """The labels explained, the most probable of the photograph, and what the bare fill is taken for; to the bit."""
    answer, evidence = conversation(labels=["label 040"])
    kept = KeptScores.of(evidence, answer, MANY, 32)
    assert kept.kept is not None
    whole = evidence[0].scores[0]
    expected = {40, 59, *np.argsort(-whole)[:16].tolist()}
    assert set(kept.kept.tolist()) == expected
    found = KeptScores.unpack(kept.pack(len(MANY)))
    assert found.kept is not None
    assert found.kept.tolist() == kept.kept.tolist() == sorted(expected)
    for one, two in zip(found.evidence, evidence, strict=True):
        assert one.probe == two.probe
        assert (one.scores[:, found.kept] == two.scores[:, found.kept]).all()
        left = np.delete(np.arange(len(MANY)), found.kept)
        np.testing.assert_allclose(one.scores[:, left].sum(axis=1), two.scores[:, left].sum(axis=1), rtol=1e-5)
        assert (one.scores[:, left].max(axis=1) == two.scores[:, left].max(axis=1)).all()


def test_a_tenth_of_the_bytes_is_left() -> None:
    """Of a thousand labels, as many rows as the default recipe asks for: less than a hundred kB."""
    generator = np.random.Generator(np.random.Philox(2))
    logits = generator.normal(size=(1340, 1000)) * 2
    scores = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)
    labels = tuple(map(str, range(1000)))
    [top] = [LabelAttribution(str(scores[0].argmax()), np.ones(K))]
    answer = Attribution(dict(zip(labels, scores[0].tolist(), strict=True)), None, 1340, (top,))
    evidence = [Evidence(Probe(50, (Draw("hadamard", 1, 1340),)), scores)]
    assert len(KeptScores.of(evidence, answer, labels, 32).pack(1000)) < 100_000 < len(pack_evidence(evidence)) / 50


@given(
    scores=st.lists(st.lists(st.floats(0, 1, width=32), min_size=7, max_size=7), min_size=1, max_size=5),
    kept=st.sets(st.integers(0, 6), min_size=1, max_size=6),
)
@settings(deadline=None, max_examples=60)
def test_rows_come_back_with_their_sum_and_their_greatest(scores: list[list[float]], kept: set[int]) -> None:
    """And what would be kept of them again is the same: an answer judged anew is not worn down."""
    rows, chosen = np.array(scores, dtype=np.float32), np.array(sorted(kept), dtype=np.intp)
    others = rest(rows, chosen)
    again = restored(rows[:, chosen], chosen, 7, others)
    assert again.dtype == np.float32
    assert (again[:, chosen] == rows[:, chosen]).all()
    once_more = rest(again, chosen)
    np.testing.assert_allclose(once_more.sums, others.sums, atol=1e-6)
    assert (once_more.greatest == others.greatest).all()
    assert (again.max(axis=1) == rows.max(axis=1)).all()


def test_of_labels_that_tie_the_first_is_kept_and_stays_so() -> None:
    """Two of one probability: the rule is the model's order, before and after a file."""
    probabilities = dict(zip(MANY, [0.0] * 60, strict=True)) | {MANY[50]: 0.5}
    answer = Attribution(probabilities, None, 3, (LabelAttribution(MANY[50], np.ones(3)),))
    assert listed(answer, 8) == {MANY[50], *MANY[:3]}
    scores = np.array([list(probabilities.values())] * 3, dtype=np.float32)
    evidence = [Evidence(Probe(3, (Listed.of(np.eye(3, dtype=bool)),)), scores)]
    found = KeptScores.unpack(KeptScores.of(evidence, answer, MANY, 8).pack(60))
    again = replace(answer, probabilities=dict(zip(MANY, found.evidence[0].scores[0].tolist(), strict=True)))
    assert listed(again, 8) == listed(answer, 8)


def test_the_same_answer_comes_of_what_was_kept() -> None:
    """Weights, judgement and probabilities: the conversation again, answered by the file, asks nothing and differs in
    nothing that is stored."""
    for changes in ({}, {"labels": ["label 040", "label 002"]}, {"method": "anchors", "options": {}}):
        answer, evidence = conversation(**changes)
        found = KeptScores.unpack(KeptScores.of(evidence, answer, MANY, 32).pack(len(MANY)))
        made = recipe("default").override({"samples": 32, "seeds": [1, 11], **changes})

        def nobody(shown: Scene, masks: np.ndarray) -> np.ndarray:
            raise AssertionError(f"asked for {len(masks)} masks of {shown.k} superpixels")

        again, _ = converse(scene(), explainer(made, MANY), nobody, Known.of(found.evidence))
        assert shortened(again, 32).to_json() == shortened(answer, 32).to_json()


def test_a_refit_explains_the_labels_that_were_kept_and_refuses_others() -> None:
    """By the numbers of the whole scores; of another label it says what it can no longer do."""
    answer, evidence = conversation(judge=False)
    found = KeptScores.unpack(KeptScores.of(evidence, answer, MANY, 32).pack(len(MANY)))
    assert found.kept is not None
    label = MANY[found.kept[found.kept != np.argmax(evidence[0].scores[0])][0]]
    made = recipe("default").override({"samples": 32, "seeds": [1, 11], "judge": False, "labels": [label]})
    whole, narrow = (refit(scene(), explainer(made, MANY), Known.of(one))[0] for one in (evidence, found.evidence))
    assert whole.labels[0].to_json() == narrow.labels[0].to_json()
    found.refuse_unkept([label], MANY)
    [lost, *more] = [one for number, one in enumerate(MANY) if number not in found.kept]
    with pytest.raises(ValueError, match=rf"the scores of {len(found.kept)} were kept, and not of {lost}: "):
        found.refuse_unkept([label, lost], MANY)
    with pytest.raises(ValueError, match=rf"{lost} and of {len(more)} more: `polelens audit start` asks the model"):
        found.refuse_unkept(MANY, MANY)


def test_probabilities_list_what_is_spoken_of_and_say_how_many_more_there_are() -> None:
    """The same labels for the photograph, the fill, which has its own most probable one too, and the experiment."""
    answer, _ = conversation(labels=["label 040"])
    fill = answer.fill_probabilities
    assert fill is not None
    denoised = Denoised((1,), answer.probabilities, np.ones(K), np.ones(K), 0.5)
    answer = replace(answer, labels=(replace(answer.labels[0], denoised=denoised),))
    found = shortened(answer, 32)
    assert found.fill_probabilities is not None
    assert found.labels[0].denoised is not None
    assert set(found.probabilities) == listed(answer, 32) == set(found.labels[0].denoised.probabilities)
    assert set(found.fill_probabilities) == {*listed(answer, 32), "label 059"}
    assert len(found.probabilities) + found.unlisted == 60
    assert found.to_json()["unlisted"] == found.unlisted > 0
    assert all(found.probabilities[name] == answer.probabilities[name] for name in found.probabilities)
    assert (found.predicted, found.confidence) == (answer.predicted, answer.confidence)


@pytest.mark.parametrize("width", [len(MANY), 7])
def test_what_is_read_of_the_inside_is_kept_whole(width: int) -> None:
    """It is no score of a label, also where it is as many numbers as there are labels."""
    answer, evidence = conversation()
    probe = Probe(K, (Whole(), Whole(3, noise=9.0, seed=1)), reading=Reading("gradient", (0,)))
    heat = np.arange(2 * width, dtype=np.float32).reshape(2, width)
    kept = KeptScores.of([*evidence, Evidence(probe, heat)], answer, MANY, 32)
    assert kept.kept is not None
    back = KeptScores.unpack(kept.pack(len(MANY)))
    assert back.evidence[-1].probe == probe
    np.testing.assert_array_equal(back.evidence[-1].scores, heat)
    np.testing.assert_array_equal(back.evidence[0].scores[:, kept.kept], evidence[0].scores[:, kept.kept])
