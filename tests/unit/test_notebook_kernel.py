"""A real notebook: what a person pastes runs in Jupyter's kernel and shows itself."""

import nbformat
from nbclient import NotebookClient

CELL = """
import numpy as np
from PIL import Image
from sklearn.linear_model import LogisticRegression

from polelens import explain, recipe

chance = np.random.default_rng(0)
seen = chance.integers(0, 256, (200, 8 * 8 * 3))
classifier = LogisticRegression(max_iter=1000).fit(seen / 255, seen[:, :96].mean(axis=1) > 127)

def predict(pictures):
    return classifier.predict_proba(pictures.reshape(len(pictures), -1) / 255)

picture = Image.fromarray(np.uint8([[[250] * 3] * 64] * 32 + [[[5] * 3] * 64] * 32))
few = recipe("default").override({"samples": 32, "seeds": [1, 11]})
explain(picture, predict, recipe=few, labels=["dark above", "light above"], size=8)
"""


def test_a_function_of_scikit_learn_and_a_picture_of_pillow_in_a_kernel() -> None:
    """The last line of a cell shows answers and overlay; the next cell has the numbers."""
    cells = [nbformat.v4.new_code_cell(CELL), nbformat.v4.new_code_cell("len(_.table()), _.plot()")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    shown, numbers = (cell.outputs[-1].data for cell in notebook.cells)
    assert "Is the explanation sound?" in shown["text/html"]
    assert "data:image/png;base64," in shown["text/html"]
    assert shown["text/plain"].startswith("<Explanation under predict, recipe default: light above")
    assert "PIL." in numbers["text/plain"]
