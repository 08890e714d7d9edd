"""Networks of the size of EfficientNet-Lite0 and ResNet-50, their weights random: made where they are to be run.

    python -m benchmarks.random_networks build/networks

They know nothing, and cost what the real ones do.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

LABELS = 1000
# Of EfficientNet-Lite0 (Tan and Liu 2020): expansion, channels, blocks, stride, kernel.
LITE0 = [(1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5)]
LITE0 += [(6, 320, 1, 1, 3)]
RESNET50 = [(64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)]  # He et al. 2016: width, blocks, stride


@dataclass
class Draft:
    """A network that grows."""

    seed: int
    channels: int = 3
    last: str = "data"
    nodes: list[NodeProto] = field(default_factory=list)
    weights: list[TensorProto] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rng = np.random.Generator(np.random.Philox(self.seed))

    def weight(self, *shape: int) -> str:
        """Random weights that keep the size of what passes (He initialisation)."""
        fan_in = max(1, int(np.prod(shape[1:])))
        values = self._rng.normal(size=shape) * np.sqrt(2 / fan_in)
        return self.constant(values.astype(np.float32))

    def constant(self, values: np.ndarray) -> str:
        """A constant."""
        name = f"constant_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """A node behind the last, or behind these."""
        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs or (self.last,), [name], **attributes))
        self.last = name
        return name

    def convolve(self, channels: int, kernel: int, stride: int = 1, group: int = 1) -> str:
        """A convolution with its bias, BatchNormalization folded in as exporters do."""
        weights, bias = self.weight(channels, self.channels // group, kernel, kernel), np.zeros(channels, np.float32)
        pads, self.channels = [kernel // 2] * 4, channels
        shape: dict[str, Any] = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "group": group, "pads": pads}
        return self.add("Conv", self.last, weights, self.constant(bias), **shape)

    def relu6(self) -> str:
        """Between 0 and 6."""
        return self.add(
            "Clip", self.last, self.constant(np.array(0, np.float32)), self.constant(np.array(6, np.float32))
        )

    def file(self) -> bytes:
        """The network with its classifier behind, of opset 17 and a free batch."""
        self.add("GlobalAveragePool")
        self.add("Flatten")
        self.add("Gemm", self.last, self.weight(self.channels, LABELS))
        self.add("Softmax", self.last, axis=1)
        picture = helper.make_tensor_value_info("data", TensorProto.FLOAT, ["n", 3, 224, 224])
        answer = helper.make_tensor_value_info(self.last, TensorProto.FLOAT, ["n", LABELS])
        graph = helper.make_graph(self.nodes, "random", [picture], [answer], self.weights)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(made)
        return bytes(made.SerializeToString())


def efficientnet_lite0() -> bytes:
    """4.6 million weights, 0.4 billion products a picture."""
    draft = Draft(0)
    draft.convolve(32, 3, 2)
    draft.relu6()
    for expansion, channels, blocks, stride, kernel in LITE0:
        for number in range(blocks):
            _inverted(draft, expansion, channels, stride if number == 0 else 1, kernel)
    draft.convolve(1280, 1)
    draft.relu6()
    return draft.file()


def resnet50() -> bytes:
    """25.5 million weights, 4.1 billion products a picture."""
    draft = Draft(1)
    draft.convolve(64, 7, 2)
    draft.add("Relu")
    draft.add("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    for width, blocks, stride in RESNET50:
        for number in range(blocks):
            _bottleneck(draft, width, stride if number == 0 else 1)
    return draft.file()


NETWORKS = {"efficientnet_lite0": efficientnet_lite0, "resnet50": resnet50}


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Write both into FOLDER."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in NETWORKS.items():
        (folder / f"{name}.onnx").write_bytes(make())


def _inverted(draft: Draft, expansion: int, channels: int, stride: int, kernel: int) -> None:
    before, came = draft.last, draft.channels
    if expansion != 1:
        draft.convolve(came * expansion, 1)
        draft.relu6()
    draft.convolve(draft.channels, kernel, stride, group=draft.channels)
    draft.relu6()
    draft.convolve(channels, 1)
    if stride == 1 and came == channels:
        draft.add("Add", draft.last, before)


def _bottleneck(draft: Draft, width: int, stride: int) -> None:
    before, came = draft.last, draft.channels
    draft.convolve(width, 1)
    draft.add("Relu")
    draft.convolve(width, 3, stride)
    draft.add("Relu")
    behind = draft.convolve(4 * width, 1)
    if stride != 1 or came != 4 * width:
        draft.last, draft.channels = before, came
        before = draft.convolve(4 * width, 1, stride)
    draft.add("Add", behind, before)
    draft.add("Relu")


if __name__ == "__main__":
    main()
