"""Strips: a large photograph a few rows at a time, so that what is made of it on the way takes hardly any memory."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

PIXELS = 2**20  # of a strip: small beside the photograph, large beside what a call costs


def strips(height: int, width: int) -> Iterator[slice]:
    """The rows of a picture of this size in strips of about a megapixel, from the top.

    Examples
    --------
    >>> list(strips(5, 2**19))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    rows = max(1, PIXELS // max(1, width))
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


def cut(image: Image.Image) -> Iterator[Image.Image]:
    """An opened picture in strips."""
    for rows in strips(image.height, image.width):
        yield image.crop((0, rows.start, image.width, rows.stop))


def image_of(pixels: NDArray[np.uint8]) -> Image.Image:
    """Pixels, uint8 [H, W, 3], as a picture of Pillow's; a view of others' is not copied as a whole on the way."""
    height, width = pixels.shape[:2]
    image = Image.new("RGB", (width, height))
    for rows in strips(height, width):
        image.paste(Image.fromarray(np.ascontiguousarray(pixels[rows])), (0, rows.start))
    return image
