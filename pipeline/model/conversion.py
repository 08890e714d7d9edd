"""A model that TensorFlow wrote: converted before it is admitted, and compared with TensorFlow's own answers."""

from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.model.custom_vision import Export
from pipeline.model.model import ModelRefused
from pipeline.model.normalised import Network
from pipeline.model.profile import Profile
from pipeline.model.tensorflow import Converted, convert
from pipeline.model.trial import Answers, pictures, tolerance


def as_onnx(export: Export, input_name: str | None, output: str | None) -> tuple[Export, Converted | None]:
    """The export with an ONNX file in it, and what TensorFlow's was; an export that is ONNX stays as it is."""
    if export.tensorflow is not None:
        converted = convert(export.tensorflow, input_name, output)
        return replace(export, onnx=converted.onnx, ends=converted.ends), converted
    if input_name:
        raise ModelRefused("--input names where pictures enter a TensorFlow graph, which this is not; leave it out")
    return export, None


def compared(
    converted: Converted, given: Answers, network: Network, profile: Profile
) -> tuple[Answers, dict[str, Any]]:
    """TensorFlow's own scores for the trial's pictures, and what is to be told of the conversion.

    Parameters
    ----------
    converted : Converted
    given : Answers
        What the converted file answers.
    network : Network
        The converted file.
    profile : Profile

    Raises
    ------
    ModelRefused
        If the two differ by more than 1e-5 of what they answer, or TensorFlow itself cannot run the graph.
    """
    try:
        own = converted.answers(pictures(profile))
    except Exception as error:  # TensorFlow's errors share no nearer ancestor
        reason = str(error).strip().splitlines()[0]
        raise ModelRefused(f"TensorFlow cannot run the graph ({reason}); check the file and the profile") from error
    difference = float(np.abs(own - given.scores).max()) if own.shape == given.scores.shape else np.inf
    if not difference <= tolerance(network) * max(1.0, float(np.abs(own).max())):
        raise ModelRefused(
            f"the converted model and TensorFlow's own answer differently by {difference:.2g}; export it as ONNX"
        )
    ends = {"input": converted.ends.input, "output": converted.ends.output}
    return replace(given, scores=own), {"converted": {"by": converted.versions, **ends, "difference": difference}}
