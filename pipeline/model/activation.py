"""The activation: what makes probabilities of a network's outputs, and where that is known from."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from pipeline.model.model import ModelRefused
from pipeline.model.normalised import Network, with_activation
from pipeline.model.profile import Activation

METHOD = "CustomVision.Postprocess.Method"
METHODS: Mapping[str, Activation] = {"ClassificationMultiClass": "softmax", "ClassificationMultiLabel": "sigmoid"}
GIVEN, ASSUMED, SEEN = "given", "assumed", "its answers lie in 0..1"
SLACK = 1e-3  # float16 softmaxes overshoot 1 by a little
BLIND = 1.0  # in logits: more than training a softmax leaves in what its labels have in common
OPERATORS = {"softmax": "Softmax", "sigmoid": "Sigmoid"}
REMEDY = "say which with --activation softmax, sigmoid or none"


@dataclass(frozen=True, slots=True)
class Found:
    """An activation, where it is known from, and what a person should check."""

    word: Activation
    source: str
    warnings: tuple[str, ...] = ()


def find_activation(
    network: Network, properties: Mapping[str, str], given: Activation | None, answers: NDArray[np.float32]
) -> Found:
    """What to put after a network's outputs.

    The first of these decides: what the caller gives; a softmax or sigmoid at the end of the graph; Custom Vision's
    metadata; the number of outputs, as one alone can only be of a sigmoid; and answers that lie within 0..1. What is
    left are the bare outputs of several labels, and no file says whether a softmax or a sigmoid belongs after them.

    Parameters
    ----------
    network : Network
    properties : mapping of str to str
        Of metadata_properties.json.
    given : str or None
    answers : float32 [n, c]
        The file's own, for the pictures of the trial.

    Raises
    ------
    ModelRefused
        If the activation given, or the only one there can be, gives no probabilities.
    """
    found = _found(network, METHODS.get(properties.get(METHOD, "")), given, answers)
    if not within(activated(answers, found.word)):
        low, high = answers.min(), answers.max()
        raise ModelRefused(
            f"the model's answers go from {low:.3g} to {high:.3g}, which are no probabilities, and the activation is "
            f"none ({found.source}); {REMEDY}"
        )
    return found


def with_probabilities(model: onnx.ModelProto, word: Activation) -> onnx.ModelProto:
    """The model with this activation after its scores."""
    return model if word == "none" else with_activation(model, OPERATORS[word])


def activated(scores: NDArray[np.float32], word: Activation) -> NDArray[np.float32]:
    """What the activation makes of scores, float32 [n, c]."""
    if word == "none":
        return scores
    if word == "sigmoid":
        return np.asarray(0.5 * (1 + np.tanh(scores / 2)), np.float32)  # never overflows
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def within(scores: NDArray[np.float32]) -> bool:
    """Whether scores are probabilities: all lie in 0..1, but for rounding."""
    return bool(scores.min() >= -SLACK and scores.max() <= 1 + SLACK)


def _found(
    network: Network, method: Activation | None, given: Activation | None, answers: NDArray[np.float32]
) -> Found:
    ends = network.output.operator
    _refuse_meaningless(ends, answers)
    if given:
        return _given(given, ends)
    if ends in ("Softmax", "Sigmoid"):
        return Found("none", f"the graph ends in {ends}", _contradicted(ends, method))
    if ends == "LogSoftmax":
        return Found("softmax", "the graph ends in LogSoftmax")  # of logarithms of probabilities it gives these
    return Found(method, "metadata_properties.json") if method else _of_numbers(network, answers)


def _of_numbers(network: Network, answers: NDArray[np.float32]) -> Found:
    """The activation of a graph that does not end in one, told from its numbers alone."""
    ends, alone, sums = network.output.operator, answers.shape[1] == 1, answers.sum(axis=1, dtype=np.float64)
    if ends == "Tanh":
        raise ModelRefused(
            f"the model ends in Tanh, whose answers in -1..1 are neither probabilities nor logits; export it without, "
            f"or {REMEDY}"
        )
    if alone and (not within(answers) or _is_linear(ends)):
        return Found("sigmoid", "there is one output", (f"one output, taken as a logit; {REMEDY} if it is not",))
    if within(answers):
        doubt = f"nothing in the file says that its outputs are probabilities, taken as such; {REMEDY} if not"
        return Found("none", SEEN, () if np.allclose(sums, 1, atol=SLACK) else (doubt,))
    if answers.min() >= 0 and np.allclose(sums, sums[0], rtol=SLACK):
        raise ModelRefused(
            f"the model's answers add up to {sums[0]:.4g} for every picture, as percentages do; export it with "
            "probabilities in 0..1"
        )
    return _assumed(network.output.bias, answers)


def _refuse_meaningless(ends: str, answers: NDArray[np.float32]) -> None:
    if ends != "Softmax" or not np.all(answers == 1):
        return
    if answers.shape[1] == 1:
        raise ModelRefused(
            "the model has one output behind a softmax, which is always 1; export it without the softmax"
        )
    raise ModelRefused(
        "the model's softmax gives every label 1: it runs over the pictures of a batch; export it over axis 1"
    )


def _given(word: Activation, ends: str) -> Found:
    if word != "none" and ends in ("Softmax", "Sigmoid"):
        raise ModelRefused(
            f"activation is {word}, but the model ends in its own {ends}, after which another would be wrong; leave "
            "--activation out"
        )
    return Found(word, GIVEN)


def _contradicted(ends: str, method: Activation | None) -> tuple[str, ...]:
    if method in (None, ends.lower()):
        return ()
    return (f"metadata_properties.json speaks of a {method}, the graph ends in {ends}, which counts",)


def _is_linear(operator: str) -> bool:
    return operator in ("Gemm", "MatMul", "Add", "Conv", "QLinearMatMul", "QGemm", "MatMulInteger", "GlobalAveragePool")


def _assumed(bias: float, answers: NDArray[np.float32]) -> Found:
    """A softmax or a sigmoid, by what the labels' outputs have in common.

    A softmax does not change when the same number is added to all its inputs. So training one leaves what they have
    in common near nothing, where it began, while a sigmoid for each label needs it: a tag that is rare in every picture
    has a bias well below 0.
    """
    common = answers.mean(axis=1, dtype=np.float64)
    own = np.sqrt(np.mean((answers - common[:, None]) ** 2))
    shared = abs(common.mean())
    apart = abs(bias) > BLIND or shared > max(BLIND, own)
    word: Activation = "sigmoid" if apart else "softmax"
    reason = "have much in common, which a softmax would not see" if apart else "have little in common"
    each = "for each label" if apart else "over the labels"
    return Found(
        word,
        ASSUMED,
        (
            f"outputs are not probabilities and nothing in the file says what makes them so; a {word} {each} was "
            f"assumed and added, as the labels' outputs {reason}; {REMEDY} if that is wrong",
        ),
    )
