"""A TensorFlow export as it was given: a frozen graph, or a SavedModel with its variables; other kinds are named."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.model.graph_def import graph_of, saved_model_of
from pipeline.model.model import ModelRefused

SAVED = "saved_model.pb"
VARIABLES = re.compile(r"variables/variables\.(index|data-\d{5}-of-\d{5})")
GIVE = "give a frozen graph (.pb), a SavedModel or an ONNX file"
# Of files that a person may take for a model to give: how each begins, from which byte, and what to do.
STRANGERS = (
    (4, b"TFL3", f"a TensorFlow Lite model, which is not read; {GIVE}"),
    (0, b"\x89HDF\r\n\x1a\n", "a Keras .h5 file; load it in Keras, save it with model.export('folder') and give that"),
    (0, b"node {", f"a graph in text form; write it as binary, or {GIVE}"),
)


@dataclass(frozen=True, slots=True)
class TensorFlowFile:
    """What TensorFlow wrote.

    Attributes
    ----------
    data : bytes
        The frozen graph's file, or saved_model.pb.
    variables : mapping of str to bytes, or None
        Of a SavedModel, its files below the folder `variables`, by their path; None for a frozen graph.
    """

    data: bytes = field(repr=False)
    variables: Mapping[str, bytes] | None = field(default=None, repr=False)

    @property
    def kind(self) -> str:
        """For people."""
        return "TensorFlow frozen graph" if self.variables is None else "TensorFlow SavedModel"

    @property
    def sha256(self) -> str:
        """Of the frozen graph's file; of a SavedModel, of what `sha256sum` says of its files, sorted by path."""
        if self.variables is None:
            return hashlib.sha256(self.data).hexdigest()
        files = {SAVED: self.data, **self.variables}
        lines = [f"{hashlib.sha256(files[path]).hexdigest()}  {path}\n" for path in sorted(files)]
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def frozen_graph(data: bytes) -> TensorFlowFile | None:
    """The frozen graph in a file's bytes; None for what may be ONNX.

    Raises
    ------
    ModelRefused
        For another kind of TensorFlow file, with what to do.
    """
    for place, beginning, told in STRANGERS:
        if data.startswith(beginning, place):
            raise ModelRefused(f"the file is {told}")
    if saved_model_of(data) is not None:
        raise ModelRefused(
            f"the file is the {SAVED} of a SavedModel, whose weights are in the folder variables beside it; "
            "give the folder, or a zip of it"
        )
    return TensorFlowFile(data) if graph_of(data) is not None else None
