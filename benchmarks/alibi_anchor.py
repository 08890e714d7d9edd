"""One photograph's anchor by alibi 0.9.6, as JSON: `build/alibi/bin/python benchmarks/alibi_anchor.py TASK.npz`.

It runs in an environment of its own, for alibi goes with numpy below 2, and so knows nothing of polelens: what it is to
explain is in the file. alibi's licence is not an open one: it is measured against, and not read.
"""

import json
import sys
from contextlib import suppress
from typing import Any

import numpy as np
import onnxruntime
from alibi.explainers import AnchorImage


class Spent(Exception):
    """The model was asked as often as it may be."""


class Predictor:
    """The model as alibi asks it: pictures uint8 [n, h, w, 3] in, scores [n, c] out; it counts them."""

    def __init__(self, task: Any) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(task["onnx"]), options, providers=["CPUExecutionProvider"])
        self.entry = self.session.get_inputs()[0].name
        self.mean, self.scale, self.most = float(task["mean"]), float(task["scale"]), int(task["most"])
        self.asked = 0

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """Scores of pictures; raises Spent where they are more than may be asked."""
        if self.asked + len(pictures) > self.most:
            raise Spent
        self.asked += len(pictures)
        batch = (pictures.transpose(0, 3, 1, 2).astype(np.float32) - self.mean) / self.scale
        parts = [batch[start : start + 16] for start in range(0, len(batch), 16)]
        return np.concatenate([self.session.run(None, {self.entry: part})[0] for part in parts])


def main(path: str) -> None:
    """Explain, and print how often the model was asked, the anchor's superpixels and alibi's own precision."""
    task = np.load(path)
    predictor = Predictor(task)
    explainer = AnchorImage(
        predictor, task["canvas"].shape, segmentation_fn=lambda _: task["segments"], seed=int(task["seed"])
    )
    predictor.asked = 0  # the constructor tries the predictor out
    told: dict[str, Any] = {"ended": False}
    with suppress(Spent):  # then it has not ended, which is told
        found = explainer.explain(
            task["canvas"], p_sample=0.5, threshold=float(task["threshold"]), delta=float(task["delta"]), tau=0.15,
            beam_size=int(task["beam"]),
        )  # fmt: skip
        told = {"ended": True, "precision": float(found.precision), "superpixels": _features(found)}
    print(json.dumps(told | {"evaluations": predictor.asked}))


def _features(found: Any) -> list[int]:
    return sorted(int(number) for number in found.raw["feature"])


if __name__ == "__main__":
    main(sys.argv[1])
