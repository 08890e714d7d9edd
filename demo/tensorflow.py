"""`python -m demo.tensorflow`: small exports as TensorFlow writes them, of random weights, and TensorFlow's answers.

The graph has every operator of Custom Vision's General (compact), as its exports for TensorFlow have them.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow
from numpy.typing import NDArray

from demo.custom_vision import METADATA, manifest, zipped
from pipeline.model.tensorflow import convert
from pipeline.model.tensorflow_file import TensorFlowFile

tf = tensorflow.compat.v1
FOLDER = Path(__file__).parent / "tensorflow_exports"
LABELS = ("BETONG", "STAAL", "TRE")
SIZE = 224
ITERATION = "00000000-0000-0000-0000-000000000003"


def main(folder: Path = FOLDER) -> None:
    """Write a frozen graph in its zip, a SavedModel, the graph as ONNX, and TensorFlow's answers for fixed pictures."""
    folder.mkdir(exist_ok=True)
    graph, saved = _written()
    extra = {"labels.txt": "\r\n".join(LABELS).encode(), "metadata_properties.json": json.dumps(METADATA).encode()}
    stated = manifest(graph, ITERATION) | {"Platform": "TensorFlow", "ModelFileName": "model.pb"}
    compact = {"cvexport.manifest": json.dumps(stated).encode(), "model.pb": graph, **extra}
    (folder / "compact.zip").write_bytes(zipped(compact))
    (folder / "saved_model.zip").write_bytes(zipped(saved))
    converted = convert(TensorFlowFile(graph))
    (folder / "compact.onnx").write_bytes(converted.onnx)
    answers = converted.answers(pictures())
    told = {"by": converted.versions, "answers": [[round(float(x), 8) for x in row] for row in answers]}
    (folder / "answers.json").write_text(json.dumps(told, indent=1) + "\n")


def pictures() -> list[NDArray[np.float32]]:
    """Five pictures of coloured patches, float32 [3, h, w] on 0..255: no photograph, but not noise either."""
    rng = np.random.Generator(np.random.Philox(3))
    small = rng.integers(0, 256, (5, 3, 8, 8))
    return list(small.repeat(SIZE // 8, axis=2).repeat(SIZE // 8, axis=3).astype(np.float32))


def _written() -> tuple[bytes, dict[str, bytes]]:
    """The frozen graph, and the files of the same network as a SavedModel."""
    with tf.Graph().as_default(), tf.Session() as session:
        ends = _network(np.random.Generator(np.random.Philox(2)))
        session.run(tf.global_variables_initializer())
        frozen = tf.graph_util.convert_variables_to_constants(session, session.graph_def, ["model_outputs"])
        with tempfile.TemporaryDirectory() as parent:
            folder = Path(parent) / "saved"
            tf.saved_model.simple_save(session, str(folder), *ends)
            files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "fingerprint.pb")
            saved = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    return bytes(frozen.SerializeToString(deterministic=True)), saved


def _network(rng: np.random.Generator) -> tuple[dict[str, Any], dict[str, Any]]:
    """The network between `Placeholder` and `loss`; its inputs and outputs by name."""
    data = tf.placeholder(tf.float32, [None, SIZE, SIZE, 3], "Placeholder")
    flow = (data - tf.constant([104.0, 117.0, 123.0], name="mean")) / 64.0  # of BGR: mean subtraction inside
    flow = tf.pad(flow, [[0, 0], [1, 1], [1, 1], [0, 0]])
    flow = tf.nn.relu(_convolved(flow, _weights(rng, 3, 3, 3, 8), 2, "VALID"))
    flow = tf.nn.max_pool2d(flow, 3, 2, "SAME")
    flow = _shuffled(_unit(rng, flow, 8), 8)
    flow = tf.nn.relu6(_convolved(flow, _weights(rng, 3, 3, 8, 16), 2, "SAME"))
    flow = _shuffled(_unit(rng, flow, 16), 16)
    flow = tf.nn.relu(_convolved(flow, _weights(rng, 1, 1, 16, 16), 2, "SAME"))
    features = tf.reshape(tf.nn.avg_pool2d(flow, 14, 1, "VALID"), [-1, 16])
    logits = 8 * tf.matmul(features, _weights(rng, 16, len(LABELS))) + tf.constant([0.1, 0.0, -0.1])
    loss = tf.nn.softmax(logits, name="loss")
    return {"Placeholder": data}, {"model_outputs": tf.identity(loss, name="model_outputs")}


def _unit(rng: np.random.Generator, flow: Any, channels: int) -> Any:
    """A unit of ShuffleNet V2: half of the channels pass, half are convolved, depthwise too."""
    half = channels // 2
    passed, worked = flow[..., :half], flow[..., half:]
    worked = tf.nn.relu(_convolved(worked, _weights(rng, 1, 1, half, half), 1, "SAME"))
    worked = tf.nn.depthwise_conv2d(worked, _weights(rng, 3, 3, half, 1), [1, 1, 1, 1], "SAME")
    return tf.concat([passed, tf.nn.relu(_convolved(worked, _weights(rng, 1, 1, half, half), 1, "SAME"))], -1)


def _shuffled(flow: Any, channels: int) -> Any:
    """Channels shuffled by Reshape and Transpose, as ShuffleNet does it."""
    side = flow.shape[1]
    parts = tf.reshape(flow, [-1, side, side, 2, channels // 2])
    return tf.reshape(tf.transpose(parts, [0, 1, 2, 4, 3]), [-1, side, side, channels])


def _convolved(flow: Any, weights: Any, stride: int, padding: str) -> Any:
    return tf.nn.bias_add(tf.nn.conv2d(flow, weights, stride, padding), tf.zeros(weights.shape[-1]) + 0.05)


def _weights(rng: np.random.Generator, *shape: int) -> Any:
    scale = (2 / np.prod(shape[:-1])) ** 0.5
    return tf.get_variable(
        f"weights{len(tf.global_variables())}", initializer=tf.constant(rng.normal(0, scale, shape), tf.float32)
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
