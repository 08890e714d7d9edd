"""The preprocessing profile: how a photograph becomes the network's input, and how to find the way back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.scene.photograph import Transparent

Crop = Literal["center", "stretch", "shorter-side"]
Color = Literal["rgb", "bgr"]
Triple = tuple[float, float, float]

MAX_PIXELS = 100_000_000  # resized before the cut; only a picture as narrow as a thread comes to more


@dataclass(frozen=True, slots=True)
class Placement:
    """The part of the upright photograph that the canvas shows, in its pixels, right and bottom outside."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Profile:
    """Geometry, colour order and normalisation of a network's input.

    Attributes
    ----------
    size : int
        Height and width of the canvas, in pixels.
    crop : "center", "stretch" or "shorter-side"
        `center` takes the largest centred square and resizes it; `stretch` resizes the whole photograph, whatever
        its shape; `shorter-side` resizes the shorter side to `resize` and cuts the centred size x size square.
    resize : int or None
        Only for `shorter-side`: length of the shorter side before the cut, in pixels.
    color : "rgb" or "bgr"
        Order of the network's input channels.
    mean, scale : three numbers
        The network's input is (value - mean) / scale, values on 0..255, channels in the network's order.
    transparent : "white", "black" or "stored"
        What a transparent pixel shows, as the model was trained: "stored" is its own colour, which Pillow's
        `convert("RGB")` gives. Left out of the JSON where it is "white".
    """

    size: int
    crop: Crop = "center"
    resize: int | None = None
    color: Color = "rgb"
    mean: Triple = (0.0, 0.0, 0.0)
    scale: Triple = (1.0, 1.0, 1.0)
    transparent: Transparent = "white"

    def __post_init__(self) -> None:
        if not 8 <= self.size <= 4096:
            raise ValueError(f"profile: size is {self.size}, expected 8..4096 pixels")
        if self.crop not in get_args(Crop):
            raise ValueError(f"profile: crop is {self.crop!r}, expected one of {', '.join(get_args(Crop))}")
        if self.color not in get_args(Color):
            raise ValueError(f"profile: color is {self.color!r}, expected rgb or bgr")
        if self.transparent not in get_args(Transparent):
            raise ValueError(f"profile: transparent is {self.transparent!r}, expected white, black or stored")
        if self.crop == "shorter-side" and not (isinstance(self.resize, int) and self.size <= self.resize <= 8192):
            raise ValueError(
                f"profile: crop shorter-side needs resize of at least size ({self.size}), got {self.resize}"
            )
        if not all(np.isfinite(self.mean)) or not all(np.isfinite(self.scale)) or 0 in self.scale:
            raise ValueError(f"profile: mean {self.mean} and scale {self.scale} must be finite and scale not 0")

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """A profile from its JSON object; mean and scale are a number or three. Raises ValueError naming the field."""
        unknown = set(value) - {"size", "crop", "resize", "color", "mean", "scale", "transparent"}
        if unknown:
            raise ValueError(f"profile: unknown field {', '.join(sorted(unknown))}")
        if not isinstance(value.get("size"), int):
            raise ValueError("profile: size is missing or not a whole number of pixels")
        fields = {key: field for key, field in value.items() if key not in ("mean", "scale")}
        return cls(**fields, mean=_triple(value, "mean", 0.0), scale=_triple(value, "scale", 1.0))

    def to_json(self) -> dict[str, Any]:
        """The JSON object that `from_json` reads."""
        fields: dict[str, Any] = {"size": self.size, "crop": self.crop}
        if self.crop == "shorter-side":
            fields["resize"] = self.resize
        fields |= {"color": self.color, "mean": list(self.mean), "scale": list(self.scale)}
        return fields if self.transparent == "white" else fields | {"transparent": self.transparent}

    def geometry(self) -> dict[str, Any]:
        """The fields that decide the canvas: two models that agree on them share their scenes."""
        return {key: value for key, value in self.to_json().items() if key in ("size", "crop", "resize", "transparent")}

    def canvas(self, photograph: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The photograph as the network sees it.

        Parameters
        ----------
        photograph : uint8 [H, W, 3]
            Upright, RGB.

        Returns
        -------
        uint8 [size, size, 3], RGB, resized by Pillow's antialiased bilinear filter.

        Raises
        ------
        ValueError
            If the photograph is so long and narrow that resizing its shorter side would fill the memory.
        """
        height, width = photograph.shape[:2]
        image = Image.fromarray(np.ascontiguousarray(photograph))
        if self.crop == "shorter-side":
            wide, high = self._resized(width, height)
            if wide * high > MAX_PIXELS:
                raise ValueError(f"photograph is {width}x{height} pixels, too long and narrow for crop shorter-side")
            left, top = (wide - self.size) // 2, (high - self.size) // 2
            image = image.resize((wide, high), Image.Resampling.BILINEAR)
            return np.asarray(image.crop((left, top, left + self.size, top + self.size)))
        if self.crop == "center":
            side = min(width, height)
            left, top = (width - side) // 2, (height - side) // 2
            image = image.crop((left, top, left + side, top + side))
        return np.asarray(image.resize((self.size, self.size), Image.Resampling.BILINEAR))

    def placement(self, width: int, height: int) -> Placement:
        """Where the canvas lies in an upright photograph of this width and height, in pixels."""
        if self.crop == "stretch":
            return Placement(0, 0, width, height)
        if self.crop == "center":
            side = min(width, height)
            left, top = (width - side) // 2, (height - side) // 2
            return Placement(left, top, left + side, top + side)
        wide, high = self._resized(width, height)
        left, top = (wide - self.size) // 2, (high - self.size) // 2
        across, down = width / wide, height / high
        return Placement(left * across, top * down, (left + self.size) * across, (top + self.size) * down)

    def tensor(self, canvas: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The network's input for one canvas: uint8 [h, w, 3] RGB to float32 [3, h, w], normalised."""
        values = canvas if self.color == "rgb" else canvas[..., ::-1]
        mean, scale = np.array(self.mean, np.float32), np.array(self.scale, np.float32)
        normalised = (values.astype(np.float32) - mean) / scale
        return np.ascontiguousarray(normalised.transpose(2, 0, 1), dtype=np.float32)

    def _resized(self, width: int, height: int) -> tuple[int, int]:
        shorter, target = min(width, height), self.resize or self.size
        return max(self.size, width * target // shorter), max(self.size, height * target // shorter)


def _triple(value: Mapping[str, Any], name: str, default: float) -> Triple:
    given = value.get(name, default)
    numbers = [given] * 3 if isinstance(given, int | float) else given
    if (
        not isinstance(numbers, list | tuple)
        or len(numbers) != 3
        or not all(isinstance(x, int | float) for x in numbers)
    ):
        raise ValueError(f"profile: {name} is {given!r}, expected a number or three")
    return (float(numbers[0]), float(numbers[1]), float(numbers[2]))
