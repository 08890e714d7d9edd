"""The photographs that a command about a model is given: files, or some of the archive."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from polelens.cli.store import archive

if TYPE_CHECKING:
    from pipeline.model.model import Model


def photographs_of(model: "Model", files: Sequence[Path], images: str, most: int) -> list[NDArray[np.uint8]]:
    """The photographs, uint8 [H, W, 3] each: of these files, or without any at most so many of a selection.

    Raises ValueError where there are none.
    """
    from pipeline.scene.photograph import MEGAPIXELS  # noqa: PLC0415 -- slow to import, as below
    from polelens.inputs import photograph  # noqa: PLC0415

    transparent = model.profile.transparent
    if files:
        return [photograph(file, transparent, MEGAPIXELS)[0].pixels for file in files]
    found = archive().sample(images, most)
    if not found:
        raise ValueError(f"no photograph of the archive is {images!r}; give one with --photograph FILE")
    return [archive().photograph(one.sha256, transparent) for one in found]
