"""The admission of a model: a file is read, normalised and tried before it becomes a model."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.model.conversion import as_onnx, compared
from pipeline.model.custom_vision import Export, read_export
from pipeline.model.model import Model, ModelRefused
from pipeline.model.normalised import Network, normalise, with_free_batch, with_softmax
from pipeline.model.preprocessing import Preprocessing, work_out
from pipeline.model.profile import Profile
from pipeline.model.trial import agrees, answers

PROBABILITY_SLACK = 1e-3  # float16 softmaxes overshoot 1 by a little


def read_model(
    data: bytes,
    *,
    name: str,
    labels: Sequence[str] | None = None,
    profile: Mapping[str, Any] | None = None,
    input_name: str | None = None,
    output: str | None = None,
) -> Model:
    """A model from a zip of Custom Vision or of a SavedModel, or from a plain .onnx or .pb file.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        What the model is called.
    labels : sequence of str, or None
        In the order of the output's columns; before those of the zip or of the model itself.
    profile : mapping or None
        Fields of a profile's JSON object, which go before what the file says.
    input_name, output : str or None
        The ends of a TensorFlow graph, where they cannot be found.

    Returns
    -------
    Model
        Its black box has been compared with the file as given, one picture at a time, and agrees.

    Raises
    ------
    ModelRefused
        One sentence that says what is wrong with the file and what to do.
    ValueError
        If a given profile field is wrong.
    """
    export, converted = as_onnx(read_export(data), input_name, output)
    network = normalise(export.onnx)
    preprocessing = work_out(network, export, profile or {})
    scores = _first_answers(export, network, preprocessing.profile)
    columns = _labels(labels, export, network, scores.shape[1])
    facts = _facts(export, network, preprocessing)
    if converted:
        scores, told = compared(converted, scores, preprocessing.profile, half=network.input.half)
        facts |= told
    _refuse_nul(columns, facts)
    draft = Model(
        name=name,
        onnx=network.model.SerializeToString(deterministic=True),
        labels=columns,
        profile=preprocessing.profile,
        sha256=export.sha256,
        batch=False,
        facts=facts,
    )
    return _admitted(draft, network, scores)


def _first_answers(export: Export, network: Network, profile: Profile) -> NDArray[np.float32]:
    try:
        scores = answers(export.onnx, network, profile)
    except Exception as error:  # onnxruntime's errors share no nearer ancestor
        reason = str(error).strip().splitlines()[0]
        raise ModelRefused(f"onnxruntime cannot run the model ({reason}); check the file and the profile") from error
    if not np.isfinite(scores).all():
        raise ModelRefused("the model answers with numbers that are not finite; check its weights and the profile")
    return scores


def _labels(given: Sequence[str] | None, export: Export, network: Network, columns: int) -> tuple[str, ...]:
    """The labels, if they are as many as the columns, all different, and the same as ZipMap's."""
    labels = tuple(given) if given is not None else export.labels or network.classes
    if labels is None:
        raise ModelRefused(
            "the file carries no labels; give a labels file, one label a line in the order of the outputs"
        )
    if len(labels) != columns:
        raise ModelRefused(
            f"there are {len(labels)} labels for {columns} outputs of the model; give one label for each output"
        )
    if len(set(labels)) != len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise ModelRefused(f"the label {twice!r} stands twice in the labels; give every output a label of its own")
    if network.classes is not None and network.classes != labels:
        place = next(i for i, (a, b) in enumerate(zip(labels, network.classes, strict=True)) if a != b)
        raise ModelRefused(
            f"label {place + 1} is {labels[place]!r}, the model itself calls that output {network.classes[place]!r}; "
            "give the labels in the model's order"
        )
    return labels


def _refuse_nul(labels: tuple[str, ...], facts: Mapping[str, Any]) -> None:
    if "\\u0000" in json.dumps([labels, facts]):
        raise ModelRefused("a label or a name in the model holds the character NUL, which cannot be stored; rename it")


def _facts(export: Export, network: Network, preprocessing: Preprocessing) -> dict[str, Any]:
    return {
        "format": export.kind,
        "opset": network.opset,
        "ir": network.ir,
        "input": network.input.name,
        "output": network.given_output,
        "layout": network.input.layout,
        "element": "float16" if network.input.half else "float32",
        "profile_sources": preprocessing.sources,
        "warnings": [*export.warnings, *preprocessing.warnings],
    }


def _admitted(draft: Model, network: Network, expected: NDArray[np.float32]) -> Model:
    """The draft with its final graph: batches if they are right, else single pictures, else refused."""
    graph, warnings = network.model, list(draft.facts["warnings"])
    if expected.min() < -PROBABILITY_SLACK or expected.max() > 1 + PROBABILITY_SLACK:
        graph, expected = with_softmax(graph), _softmax(expected)
        warnings.append("outputs are not probabilities; a softmax was added")
    for file, batch in ((with_free_batch(graph), True), (graph, False)):
        if not batch:
            warnings.append("batches do not give what single pictures give; it is run one picture at a time")
        model = dataclasses.replace(
            draft,
            onnx=file.SerializeToString(deterministic=True),
            batch=batch,
            facts=draft.facts | {"warnings": warnings},
        )
        if agrees(model, network, expected):
            return model
    raise ModelRefused("the normalised model does not answer as the file does; please report it with the file")


def _softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)
