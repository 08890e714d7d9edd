"""What a score is: probabilities by the activation that somebody names, and never by a silent guess."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.model.admission import read_model
from pipeline.model.blackbox import BlackBox
from pipeline.model.model import Model, ModelRefused
from pipeline.scene.scene import Scene
from tests.models import Network, custom_vision_zip, node, pooled, preprocess_properties

LABELS = ("pole", "wire", "road")
TAGS = np.float32([-12, -12, -12])
RAW = pooled(outputs=["logits"])


def _scores(model: Model, color: tuple[int, int, int]) -> NDArray[np.float32]:
    canvas = np.full((32, 32, 3), color, np.uint8)
    scene = Scene(canvas, np.zeros((32, 32), np.int32), np.zeros_like(canvas))
    return BlackBox(model).scores(scene, np.ones((1, 1), bool))[0]


def _read(file: bytes, labels: tuple[str, ...] = LABELS, **profile: object) -> Model:
    return read_model(file, name="net", labels=labels, profile=profile)


def _one(*ends: object, outputs: tuple[str, ...] = ("logits",)) -> bytes:
    return pooled(*ends, weights=[[0.2], [-0.2], [0.0]], outputs=outputs)  # type: ignore[arg-type]


def test_one_output_is_the_logit_of_a_sigmoid():
    """More red than green is the pole, more green than red is not; which a softmax of one could not tell."""
    model = _read(_one(), ("pole",))
    assert (model.profile.activation, model.facts["profile_sources"]["activation"]) == (
        "sigmoid",
        "there is one output",
    )
    assert _scores(model, (130, 120, 0)) == pytest.approx([1 / (1 + np.exp(-2))], abs=1e-6)
    assert _scores(model, (120, 130, 0)) == pytest.approx([1 / (1 + np.exp(2))], abs=1e-6)


@pytest.mark.parametrize("end", [(), (node("Sigmoid", "logits", "scores"),)], ids=["logit", "sigmoid"])
def test_two_labels_for_one_output_are_of_absence_and_presence(end):
    model = _read(_one(*end, outputs=("scores",) if end else ("logits",)), ("no", "yes"))
    assert _scores(model, (130, 120, 0)) == pytest.approx([1 - 1 / (1 + np.exp(-2)), 1 / (1 + np.exp(-2))], abs=1e-6)


def test_a_softmax_over_one_output_is_refused_for_what_it_is():
    with pytest.raises(ModelRefused, match="one output behind a softmax, which is always 1"):
        _read(_one(node("Softmax", "logits", "scores", axis=1), outputs=("scores",)), ("pole",))


@pytest.mark.parametrize(
    ("ends", "reason"),
    [
        ([node("Softmax", "logits", "scores", axis=0)], "softmax gives every label 1: it runs over the pictures"),
        ([node("Softmax", "logits", "p", axis=1), node("Mul", "p hundred", "scores")], "add up to 100 for every"),
        ([node("Tanh", "logits", "scores")], "ends in Tanh, whose answers in -1..1 are neither"),
    ],
)
def test_answers_that_are_neither_probabilities_nor_logits_are_refused_for_what_they_are(ends, reason):
    with pytest.raises(ModelRefused, match=reason):
        _read(pooled(*ends, hundred=np.float32(100)))


@pytest.mark.parametrize(
    ("ends", "activation", "source"),
    [
        ([node("Softmax", "logits", "scores", axis=1)], "none", "the graph ends in Softmax"),
        ([node("Sigmoid", "logits", "scores")], "none", "the graph ends in Sigmoid"),
        ([node("HardSigmoid", "logits", "scores")], "none", "the graph ends in Sigmoid"),
        ([node("LogSoftmax", "logits", "scores", axis=1)], "softmax", "the graph ends in LogSoftmax"),
        (
            [node("Softmax", "logits", "p", axis=1), node("Reshape", "p form", "scores")],
            "none",
            "the graph ends in Softmax",
        ),
    ],
)
def test_the_last_operator_of_the_graph_tells_the_activation(ends, activation, source):
    model = _read(pooled(*ends, form=np.array([-1, 3, 1, 1], np.int64)))
    assert (model.profile.activation, model.facts["profile_sources"]["activation"]) == (activation, source)
    assert 0 <= _scores(model, (130, 120, 110)).min() <= _scores(model, (130, 120, 110)).max() <= 1


def test_logarithms_of_probabilities_become_the_probabilities():
    model = _read(pooled(node("LogSoftmax", "logits", "scores", axis=1)))
    powers = np.exp([13.0, 12, 11])
    assert _scores(model, (130, 120, 110)) == pytest.approx(powers / powers.sum(), abs=1e-6)


@pytest.mark.parametrize(
    ("method", "activation"), [("ClassificationMultiClass", "softmax"), ("ClassificationMultiLabel", "sigmoid")]
)
def test_custom_visions_metadata_tells_the_activation_of_bare_outputs(method, activation):
    zipped = custom_vision_zip(onnx=RAW, labels="a\nb\nc", properties=preprocess_properties({}, method))
    model = read_model(zipped, name="poles", profile={"scale": 1})
    assert model.profile.activation == activation
    assert model.facts["profile_sources"]["activation"] == "metadata_properties.json"


def test_metadata_that_contradicts_the_graph_is_said_and_the_graph_counts():
    zipped = custom_vision_zip(Network(), properties=preprocess_properties({}, "ClassificationMultiLabel"))
    model = read_model(zipped, name="poles")
    assert model.profile.activation == "none"
    assert any("speaks of a sigmoid, the graph ends in Softmax" in told for told in model.facts["warnings"])


@pytest.mark.parametrize(
    ("activation", "expected"),
    [("sigmoid", 1 / (1 + np.exp([-1.0, 0, 1]))), ("softmax", np.exp([1.0, 0, -1]) / np.exp([1.0, 0, -1]).sum())],
)
def test_what_is_given_goes_before_all_and_is_kept_in_the_profile(activation, expected):
    file = pooled(node("Add", "logits bias", "scores"), bias=TAGS)
    model = _read(file, activation=activation)
    assert model.profile.to_json()["activation"] == activation
    assert model.facts["profile_sources"]["activation"] == "given"
    assert _scores(model, (130, 120, 110)) == pytest.approx(expected, abs=1e-5)


def test_tags_are_told_from_classes_by_what_their_outputs_have_in_common_and_it_is_said():
    """Training a softmax leaves a common bias near nothing, where it began; a rare tag's sigmoid needs one."""
    tags = _read(pooled(node("Add", "logits bias", "scores"), bias=TAGS))
    classes = _read(
        pooled(weights=np.float32([[0.1, -0.05, -0.05], [-0.05, 0.1, -0.05], [-0.05, -0.05, 0.1]]), outputs=["logits"])
    )
    assert [model.profile.activation for model in (tags, classes)] == ["sigmoid", "softmax"]
    for model in (tags, classes):
        assert model.facts["profile_sources"]["activation"] == "assumed"
        assert any("--activation" in told for told in model.facts["warnings"])
    assert _scores(tags, (190, 190, 30)) == pytest.approx([1 / (1 + np.exp(-7))] * 2 + [1 / (1 + np.exp(9))], abs=1e-6)


@pytest.mark.parametrize(
    ("ends", "activation", "reason"),
    [
        ([], "none", "which are no probabilities, and the activation is none .given.; say which"),
        ([node("Softmax", "logits", "scores", axis=1)], "softmax", "ends in its own Softmax"),
        ([node("Sigmoid", "logits", "scores")], "softmax", "ends in its own Sigmoid"),
    ],
)
def test_an_activation_that_gives_no_probabilities_is_refused(ends, activation, reason):
    with pytest.raises(ModelRefused, match=reason):
        _read(pooled(*ends, outputs=["scores"] if ends else ["logits"]), activation=activation)


def test_a_model_without_an_activation_keeps_the_digest_it_had():
    """Its profile's JSON says nothing of one."""
    model = read_model(custom_vision_zip(), name="poles")
    assert "activation" not in model.profile.to_json()
    assert model.digest == "00b99d28d5a9c99ce00167d4de51c1af00e88d9c381cf54131b0597717f43bd7"


class TestSeveralOutputs:
    def test_bare_outputs_beside_others_are_asked_for(self):
        """Nobody can say whether embeddings, a map or these are meant; then the one named is taken."""
        for second in ("Identity", "Sigmoid", "Softmax"):
            file = pooled(node(second, "flat", "second"), outputs=["logits", "second"])
            with pytest.raises(ModelRefused, match=r"2 outputs that can be its scores .*--output"):
                _read(file)
            model = read_model(file, name="net", labels=LABELS, output="logits", profile={"activation": "sigmoid"})
            assert model.facts["output"] == "logits"
            assert _scores(model, (10, 20, 30)) == pytest.approx(1 / (1 + np.exp([-1.0, -2, -3])), abs=1e-5)

    def test_the_softmax_that_all_the_others_lead_to_is_meant(self):
        file = pooled(node("Softmax", "logits", "scores", axis=1), outputs=["flat", "logits", "scores"])
        assert _read(file).facts["output"] == "scores"

    def test_a_name_that_is_none_is_told_the_nearest(self):
        with pytest.raises(ModelRefused, match=r"no 'Logit' \(did you mean logits\?\); it has 'logits', 'flat'"):
            read_model(pooled(outputs=["logits", "flat"]), name="net", labels=LABELS, output="Logit")

    def test_an_output_of_numbers_that_are_no_scores_is_refused(self):
        file = pooled(node("ArgMax", "logits", "best", axis=1), outputs=["logits"]).replace(b"never", b"never")
        with pytest.raises(ModelRefused, match="the model has no 'best'"):
            read_model(file, name="net", labels=LABELS, output="best")
