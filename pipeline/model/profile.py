"""The preprocessing profile: how a photograph becomes the network's input, and how to find the way back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.scene.photograph import Transparent
from pipeline.scene.strips import image_of
from pipeline.text import meant

Crop = Literal["center", "stretch", "shorter-side"]
Color = Literal["rgb", "bgr", "gray"]
Activation = Literal["none", "softmax", "sigmoid"]
Triple = tuple[float, float, float]
FIELDS = ("size", "crop", "resize", "color", "mean", "scale", "transparent", "activation")

LUMA = (0.299, 0.587, 0.114)  # of ITU-R 601, with which Pillow makes gray pictures
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
    """Geometry, colour order and normalisation of a network's input, and what its output's numbers are.

    Attributes
    ----------
    size : int, or (int, int)
        Height and width of the canvas, in pixels; one number where they are alike.
    crop : "center", "stretch" or "shorter-side"
        `center` takes the largest centred part of the canvas's shape and resizes it; `stretch` resizes the whole
        photograph, whatever its shape; `shorter-side` resizes the shorter side to `resize` and cuts the canvas out of
        the middle.
    resize : int or None
        Only for `shorter-side`: length of the shorter side before the cut, in pixels.
    color : "rgb", "bgr" or "gray"
        Order of the network's input channels; gray is one channel, the luma of ITU-R 601.
    mean, scale : three numbers
        The network's input is (value - mean) / scale, values on 0..255, channels in the network's order.
    transparent : "white", "black" or "stored"
        What a transparent pixel shows, as the model was trained: "stored" is its own colour, which Pillow's
        `convert("RGB")` gives. Left out of the JSON where it is "white".
    activation : "none", "softmax" or "sigmoid"
        What makes probabilities of the file's own outputs: a softmax over the labels, a sigmoid of each, or nothing.
    """

    size: int | tuple[int, int]
    crop: Crop = "center"
    resize: int | None = None
    color: Color = "rgb"
    mean: Triple = (0.0, 0.0, 0.0)
    scale: Triple = (1.0, 1.0, 1.0)
    transparent: Transparent = "white"
    activation: Activation = "none"

    def __post_init__(self) -> None:
        if self.height == self.width:
            object.__setattr__(self, "size", self.height)
        if not 8 <= min(self.height, self.width) <= max(self.height, self.width) <= 4096:
            raise ValueError(f"profile: size is {self.size}, expected 8..4096 pixels")
        if self.crop not in get_args(Crop):
            raise ValueError(f"profile: crop is {self.crop!r}, expected one of {', '.join(get_args(Crop))}")
        for name, known in (
            ("color", get_args(Color)),
            ("activation", get_args(Activation)),
            ("transparent", get_args(Transparent)),
        ):
            if getattr(self, name) not in known:
                raise ValueError(
                    f"profile: {name} is {getattr(self, name)!r}, expected {', '.join(known[:-1])} or {known[-1]}"
                )
        longest = max(self.height, self.width)
        if self.crop == "shorter-side" and not (isinstance(self.resize, int) and longest <= self.resize <= 8192):
            raise ValueError(f"profile: crop shorter-side needs resize of at least size ({longest}), got {self.resize}")
        if self.color == "gray" and (len(set(self.mean)) > 1 or len(set(self.scale)) > 1):
            raise ValueError(f"profile: mean {self.mean} and scale {self.scale} are one number each for gray")
        if not all(np.isfinite(self.mean)) or not all(np.isfinite(self.scale)) or 0 in self.scale:
            raise ValueError(f"profile: mean {self.mean} and scale {self.scale} must be finite and scale not 0")

    @property
    def height(self) -> int:
        """Of the canvas, in pixels."""
        return self.size if isinstance(self.size, int) else self.size[0]

    @property
    def width(self) -> int:
        """Of the canvas, in pixels."""
        return self.size if isinstance(self.size, int) else self.size[1]

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """A profile from its JSON object; mean and scale are a number or three. Raises ValueError naming the field."""
        unknown = sorted(set(value) - set(FIELDS))
        if unknown:
            raise ValueError(f"profile: unknown field {', '.join(unknown)}{meant(unknown[0], FIELDS)}")
        fields = {key: field for key, field in value.items() if key not in ("size", "mean", "scale")}
        return cls(_size(value), **fields, mean=_triple(value, "mean", 0.0), scale=_triple(value, "scale", 1.0))

    def to_json(self) -> dict[str, Any]:
        """The JSON object that `from_json` reads: without an activation of none, as there was none at first."""
        size = self.size if isinstance(self.size, int) else list(self.size)
        fields: dict[str, Any] = {"size": size, "crop": self.crop}
        if self.crop == "shorter-side":
            fields["resize"] = self.resize
        fields |= {"color": self.color, "mean": list(self.mean), "scale": list(self.scale)}
        later = {"transparent": (self.transparent, "white"), "activation": (self.activation, "none")}
        return fields | {name: value for name, (value, default) in later.items() if value != default}

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
        uint8 [height, width, 3], RGB, resized by Pillow's antialiased bilinear filter.

        Raises
        ------
        ValueError
            If the photograph is so long and narrow that resizing its shorter side would fill the memory.
        """
        height, width = photograph.shape[:2]
        if self.crop == "shorter-side":
            wide, high = self._resized(width, height)
            if wide * high > MAX_PIXELS:
                raise ValueError(f"photograph is {width}x{height} pixels, too long and narrow for crop shorter-side")
            left, top = (wide - self.width) // 2, (high - self.height) // 2
            image = image_of(photograph).resize((wide, high), Image.Resampling.BILINEAR)
            return np.asarray(image.crop((left, top, left + self.width, top + self.height)))
        if self.crop == "center":
            left, top, right, bottom = self._centred(width, height)
            photograph = photograph[top:bottom, left:right]
        return np.asarray(image_of(photograph).resize((self.width, self.height), Image.Resampling.BILINEAR))

    def placement(self, width: int, height: int) -> Placement:
        """Where the canvas lies in an upright photograph of this width and height, in pixels."""
        if self.crop == "stretch":
            return Placement(0, 0, width, height)
        if self.crop == "center":
            return Placement(*self._centred(width, height))
        wide, high = self._resized(width, height)
        left, top = (wide - self.width) // 2, (high - self.height) // 2
        across, down = width / wide, height / high
        return Placement(left * across, top * down, (left + self.width) * across, (top + self.height) * down)

    def tensor(self, canvas: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The network's input for one canvas: uint8 [h, w, 3] RGB to float32 [3, h, w], normalised; gray [1, h, w]."""
        if self.color == "gray":
            values = np.asarray(Image.fromarray(np.ascontiguousarray(canvas)).convert("L"))[..., None]
        else:
            values = canvas if self.color == "rgb" else canvas[..., ::-1]
        channels = values.shape[-1]
        mean, scale = np.array(self.mean[:channels], np.float32), np.array(self.scale[:channels], np.float32)
        normalised = (values.astype(np.float32) - mean) / scale
        return np.ascontiguousarray(normalised.transpose(2, 0, 1), dtype=np.float32)

    def change(self, change: NDArray[np.float32]) -> NDArray[np.float32]:
        """What a change of the canvas, float32 [h, w, 3] RGB of any size, changes in `tensor`: float32 [c, h, w]."""
        if self.color == "gray":
            values = change @ np.array(LUMA, np.float32)[:, None]
        else:
            values = change if self.color == "rgb" else change[..., ::-1]
        scale = np.array(self.scale[: values.shape[-1]], np.float32)
        return np.ascontiguousarray((values / scale).transpose(2, 0, 1), dtype=np.float32)

    def _centred(self, width: int, height: int) -> tuple[int, int, int, int]:
        """The largest centred part of a photograph that has the canvas's shape: left, top, right, bottom."""
        wide = max(1, min(width, height * self.width // self.height))
        high = max(1, min(height, width * self.height // self.width))
        left, top = (width - wide) // 2, (height - high) // 2
        return left, top, left + wide, top + high

    def _resized(self, width: int, height: int) -> tuple[int, int]:
        shorter, target = min(width, height), self.resize or min(self.height, self.width)
        return max(self.width, width * target // shorter), max(self.height, height * target // shorter)


def _size(value: Mapping[str, Any]) -> int | tuple[int, int]:
    given = value.get("size")
    if type(given) is int:
        return given
    if not isinstance(given, list | tuple) or len(given) != 2 or not all(type(side) is int for side in given):
        raise ValueError("profile: size is missing or not a whole number of pixels, or two: height and width")
    return given[0], given[1]


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
