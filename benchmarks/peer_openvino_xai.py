"""OpenVINO XAI 1.1.0's RISE: `build/openvino_xai/bin/python benchmarks/peer_openvino_xai.py TASK.npz`.

It runs in an environment of its own and knows nothing of polelens. For each line it explains, in OpenVINO's own
precision, and answers with the seconds it took.
"""

import os
import sys
import time

os.environ["TQDM_DISABLE"] = "1"  # its progress bar costs it something, and nobody looks at it

import numpy as np
import openvino
import openvino_xai
from openvino_xai.common import Method
from openvino_xai.explainer import ExplainMode


def main(path: str) -> None:
    """Answer lines until there are no more."""
    task = np.load(path)
    core = openvino.Core()
    core.set_property("CPU", {"INFERENCE_NUM_THREADS": int(task["threads"])})
    model = core.read_model(str(task["onnx"]))
    canvas = (task["canvas"].astype(np.float32).transpose(2, 0, 1)[None] - float(task["mean"])) / float(task["scale"])
    explainer = openvino_xai.Explainer(
        model, openvino_xai.Task.CLASSIFICATION, explain_mode=ExplainMode.BLACKBOX,
        explain_method=Method.RISE,
        postprocess_fn=lambda answer: np.asarray(answer[0]),
    )  # fmt: skip
    for _ in sys.stdin:
        began = time.perf_counter()
        explainer(canvas, targets=[int(task["label"])], num_masks=int(task["evaluations"]))
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
