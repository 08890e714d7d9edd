"""A model that TensorFlow wrote: converted before it is admitted, and compared with TensorFlow's own answers."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.model.custom_vision import Export
from pipeline.model.model import ModelRefused
from pipeline.model.profile import Profile
from pipeline.model.tensorflow import Converted, convert
from pipeline.model.trial import TOLERANCE, TOLERANCE_HALF, pictures


def as_onnx(export: Export, input_name: str | None, output: str | None) -> tuple[Export, Converted | None]:
    """The export with an ONNX file in it, and what TensorFlow's was; an export that is ONNX stays as it is."""
    if export.tensorflow is not None:
        converted = convert(export.tensorflow, input_name, output)
        return dataclasses.replace(export, onnx=converted.onnx, ends=converted.ends), converted
    if input_name or output:
        raise ModelRefused(
            "--input and --output name the ends of a TensorFlow graph, which this is not; leave them out"
        )
    return export, None


def compared(
    converted: Converted, scores: NDArray[np.float32], profile: Profile, *, half: bool
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """TensorFlow's own scores for the trial's pictures, and what is to be told of the conversion.

    Parameters
    ----------
    converted : Converted
    scores : float32 [n, c]
        What the converted file answers.
    profile : Profile
    half : bool
        Whether the network computes with float16.

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
    difference = float(np.abs(own - scores).max()) if own.shape == scores.shape else np.inf
    if not difference <= (TOLERANCE_HALF if half else TOLERANCE) * max(1.0, float(np.abs(own).max())):
        raise ModelRefused(
            f"the converted model and TensorFlow's own answer differently by {difference:.2g}; export it as ONNX"
        )
    ends = {"input": converted.ends.input, "output": converted.ends.output}
    return own, {"converted": {"by": converted.versions, **ends, "difference": difference}}
