"""The README's picture: what each version of the model looks at. `python -m demo.figure` makes it again."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from demo.photographs import photograph
from pipeline.pictures import GREEN_RED, png
from pipeline.pictures.backdrop import view
from pipeline.pictures.lettering import font, percent
from pipeline.pictures.paint import relative, tinted
from polelens import explain

HERE = Path(__file__).parent
TARGET = Path("docs/pictures/poles.png")
SHOWN = ((202600018, "BETONG", "road"), (202600013, "STAAL", "snow"), (202600005, "TRE", "forest"))  # seeds of the demo
ROWS = ("photograph", "poles@1 looks at", "poles@2 looks at")
SIDE, CAPTION, MARGIN, GAP, LETTERS = 256, 26, 170, 8, 17  # pixels


def main() -> None:
    """Explain the photographs under both versions and write the picture."""
    sheet = Image.new("RGB", (MARGIN + len(SHOWN) * (SIDE + GAP), len(ROWS) * (SIDE + CAPTION)), "white")
    pen = ImageDraw.Draw(sheet)
    for row, words in enumerate(ROWS):
        pen.text((4, row * (SIDE + CAPTION) + SIDE // 2), words, fill="#222", font=font(LETTERS), anchor="lm")
    for column, which in enumerate(SHOWN):
        for row, (cell, caption) in enumerate(_column(*which)):
            left, top = MARGIN + column * (SIDE + GAP), row * (SIDE + CAPTION)
            sheet.paste(cell, (left, top))
            pen.text((left, top + SIDE + 3), caption, fill="#222", font=font(LETTERS - 2))
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_bytes(png(np.asarray(sheet)))


def _column(seed: int, label: str, background: str) -> list[tuple[Image.Image, str]]:
    """A photograph and the evidence for what each version says of it, each with its caption."""
    taken = photograph(seed, label, background)
    cells = [(Image.fromarray(taken.image), f"it is {label}")]
    for version in (1, 2):
        found = explain(png(taken.image), HERE / f"poles-v{version}.zip")
        [told] = found.attribution.labels
        painted = tinted(view(found.backdrop, SIDE, SIDE), relative(told.weights), GREEN_RED)
        probability = percent(found.attribution.probabilities[told.label])
        cells.append((Image.fromarray(painted), f"it says {told.label}, {probability}"))
    return cells


if __name__ == "__main__":
    main()
