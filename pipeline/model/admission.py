"""The admission of a model: a file is read, normalised and tried before it becomes a model."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from pipeline.model.activation import Found, activated, find_activation, with_probabilities
from pipeline.model.conversion import as_onnx, compared
from pipeline.model.custom_vision import Export, read_export
from pipeline.model.labels import labels_of
from pipeline.model.model import Model, ModelRefused
from pipeline.model.normalised import Network, normalise, with_complement, with_free_batch, with_rows
from pipeline.model.preprocessing import Preprocessing, work_out
from pipeline.model.trial import Answers, agrees, answers


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
        The zip or .onnx file.
    name : str
        What the model is called.
    labels : sequence of str, or None
        In the order of the output's columns; before those of the zip or of the model itself.
    profile : mapping or None
        Fields of a profile's JSON object, which go before what the file says.
    input_name, output : str or None
        Where pictures enter a TensorFlow graph, and where scores leave the file, if that cannot be found.

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
    network = normalise(export.onnx, None if converted else output)
    preprocessing = work_out(network, export, profile or {})
    given = answers(network, preprocessing.profile)
    given, told = compared(converted, given, network, preprocessing.profile) if converted else (given, {})
    activation = find_activation(network, export.properties, (profile or {}).get("activation"), given.scores)
    columns, doubts = labels_of(labels, export, network, given.scores.shape[1])
    facts = _facts(export, network, preprocessing, activation) | told
    facts["warnings"] += doubts
    _refuse_nul(columns, facts)
    draft = Model(
        name=name,
        onnx=b"",
        labels=columns,
        profile=replace(preprocessing.profile, activation=activation.word),
        sha256=export.sha256,
        batch=False,
        facts=facts,
    )
    return _admitted(draft, network, given)


def _refuse_nul(labels: tuple[str, ...], facts: Mapping[str, Any]) -> None:
    if "\\u0000" in json.dumps([labels, facts]):
        raise ModelRefused("a label or a name in the model holds the character NUL, which cannot be stored; rename it")


def _facts(export: Export, network: Network, preprocessing: Preprocessing, activation: Found) -> dict[str, Any]:
    return {
        "format": export.kind,
        "opset": network.opset,
        "ir": network.ir,
        "input": network.input.name,
        "output": network.output.name,
        "layout": network.input.layout,
        "element": str(network.input.dtype),
        "profile_sources": preprocessing.sources | {"activation": activation.source},
        "warnings": [*export.warnings, *preprocessing.warnings, *activation.warnings],
    }


def _admitted(draft: Model, network: Network, given: Answers) -> Model:
    """The draft with its final graph: batches if they are right, else single pictures, else refused."""
    graph, expected = _whole(draft, network.model, given)
    single = "batches do not give what single pictures give; it is run one picture at a time"
    warnings = draft.facts["warnings"]
    for file, batch in ((with_free_batch(graph), True), (graph, False)):
        if not batch and network.input.batch not in (None, 1):
            raise ModelRefused(
                f"the model takes batches of exactly {network.input.batch}, and does not give the same for others; "
                "export it with a batch of 1 or a free one"
            )
        model = replace(
            draft,
            onnx=file.SerializeToString(deterministic=True),
            batch=batch,
            facts=draft.facts | {"warnings": warnings if batch else [*warnings, single]},
        )
        if agrees(model, network, expected):
            return model
    raise ModelRefused("the normalised model does not answer as the file does; please report it with the file")


def _whole(draft: Model, graph: onnx.ModelProto, given: Answers) -> tuple[onnx.ModelProto, NDArray[np.float32]]:
    """The graph from pictures to a probability for each label, and what it must answer in the trial."""
    word = draft.profile.activation
    graph = with_rows(graph, given.scores.shape[1]) if given.squeezed else graph
    graph, expected = with_probabilities(graph, word), activated(given.scores, word)
    if len(draft.labels) == expected.shape[1]:
        return graph, expected
    return with_complement(graph), np.concatenate([1 - expected, expected], axis=1)  # absence and presence
