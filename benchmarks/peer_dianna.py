"""DIANNA 1.8.1 on one photograph, asked line by line: `build/dianna/bin/python benchmarks/peer_dianna.py TASK.npz`.

It runs in an environment of its own, which torch fills, and knows nothing of polelens. A line names a method; the
answer is the seconds that an explanation takes.
"""

import contextlib
import os
import sys
import time
from typing import Any

os.environ["TQDM_DISABLE"] = "1"  # its progress bars cost it something, and nobody looks at them

import dianna
import numpy as np
import onnxruntime

BATCH = 16


def main(path: str) -> None:
    """Answer lines until there are no more."""
    task = np.load(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(task["threads"])
    session = onnxruntime.InferenceSession(str(task["onnx"]), options, providers=["CPUExecutionProvider"])
    entry, mean, scale = session.get_inputs()[0].name, float(task["mean"]), float(task["scale"])

    def predict(pictures: np.ndarray) -> np.ndarray:
        """Scores of pictures [n, h, w, 3] of 0 to 255."""
        tensor = (np.asarray(pictures, np.float32).transpose(0, 3, 1, 2) - mean) / scale
        parts = [tensor[start : start + BATCH] for start in range(0, len(tensor), BATCH)]
        return np.concatenate([session.run(None, {entry: part})[0] for part in parts])

    number, canvas = int(task["evaluations"]), task["canvas"].astype(np.float32)
    ways: dict[str, dict[str, Any]] = {
        "RISE": {"n_masks": number, "p_keep": 0.5},
        "LIME": {"num_samples": number, "top_labels": 1},
    }
    for line in sys.stdin:
        method = line.strip()
        began = time.perf_counter()
        with contextlib.redirect_stdout(sys.stderr):
            dianna.explain_image(
                predict, canvas, method, [int(task["label"])], axis_labels={2: "channels"}, **ways[method]
            )
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
