"""Works out a model's preprocessing profile, and says where each field of it comes from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onnx import TensorProto

from pipeline.model.custom_vision import Export
from pipeline.model.graph_def import SCORES, SIGNATURE, node_of
from pipeline.model.image_input import ImageInput
from pipeline.model.metadata import ULTRALYTICS, ultralytics
from pipeline.model.model import ModelRefused
from pipeline.model.normalised import Network
from pipeline.model.profile import Profile

COLORS = {"rgb8": "rgb", "rgba8": "rgb", "bgr8": "bgr", "bgra8": "bgr"}
# Image.NominalPixelRange as (mean, scale) on 0..255; the last is video range, 16 + value · 219/255.
RANGES = {
    "nominalrange_0_255": (0.0, 1.0),
    "normalized_0_1": (0.0, 255.0),
    "normalized_1_1": (127.5, 127.5),
    "nominalrange_16_235": (-16 * 255 / 219, 255 / 219),
}
# Custom Vision's (CropMethod, ResizeMethod) as our crop. "FullImageShorterSide" of the S1 domain is read as the largest
# centred square; Microsoft documents none of them.
CROPS = {
    ("onecropcenter", "byshorterside"): "shorter-side",
    ("fullimageshorterside", "stretch"): "center",
    ("nocrop", "stretch"): "stretch",
}
EXPORT = "CustomVision.Preprocess."
# What Microsoft's sample code feeds Custom Vision's TensorFlow graphs, by their input: General (compact) and its [S1].
SAMPLES = {"Placeholder": "bgr", "data": "rgb"}


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """A profile, the source of each of its fields, and what a person should check."""

    profile: Profile
    sources: dict[str, str]
    warnings: tuple[str, ...]


def work_out(network: Network, export: Export, given: Mapping[str, Any]) -> Preprocessing:
    """The profile of a network.

    A field comes from the first of these that has it: what the caller gives; the shape and type of the network's input;
    metadata inside the model (color order, range; Ultralytics' also size and crop); metadata_properties.json in the zip
    (crop, resize, size); Microsoft's sample code for such a TensorFlow graph (color order, range); an assumption. The
    activation is another matter: see `pipeline.model.activation`.

    Parameters
    ----------
    network : Network
    export : Export
        Microsoft's sample divides by 255 unless an ONNX model says otherwise, so a Custom Vision zip without metadata
        is assumed to want that; a plain file, and TensorFlow's of Custom Vision, are assumed to take 0..255.
    given : mapping
        Fields of a profile's JSON object, any of them.

    Raises
    ------
    ModelRefused
        If the network's input has another size than the one given, or no source names a size.
    ValueError
        If a given field is wrong; see `Profile.from_json`.
    """
    geometry, doubts = _from_export(export.properties)
    layers: dict[str, dict[str, Any]] = {
        "assumed": _assumed(export),
        "Microsoft's sample code": _from_sample(export),
        "metadata_properties.json": geometry,
        ULTRALYTICS: ultralytics(network.properties),
        "model metadata": _from_model(network.properties, given, network.input.channels),
        **_from_input(network.input),
        "given": dict(given),
    }
    fields: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for source, layer in layers.items():
        if "crop" in layer:  # `resize` belongs to the crop it came with
            fields.pop("resize", None), sources.pop("resize", None)
        fields |= layer
        sources |= dict.fromkeys(layer, source)
    _check_size(network, fields)
    profile = Profile.from_json(fields)
    _check_numbers(network.input, profile)
    return Preprocessing(profile, sources, (*doubts, *_doubts(layers, profile, sources)))


def _assumed(export: Export) -> dict[str, Any]:
    graph = export.custom_vision and export.tensorflow is not None
    scale = 255.0 if export.custom_vision and not graph else 1.0
    return {"crop": "center", "color": "bgr" if graph else "rgb", "mean": 0.0, "scale": scale}


def _from_sample(export: Export) -> dict[str, Any]:
    """Color order and range of a graph with Custom Vision's ends, which its metadata_properties.json says wrongly."""
    if export.ends is None or not (export.custom_vision or node_of(export.ends.output) in SCORES):
        return {}
    color = SAMPLES.get(node_of(export.ends.input).removeprefix(f"{SIGNATURE}_"))
    return {"color": color, "mean": 0.0, "scale": 1.0} if color else {}


def _from_input(picture: ImageInput) -> dict[str, dict[str, Any]]:
    """Size and channels, from the shape of the input; the range, from whole numbers: these are the photograph's own."""
    sides = [side for side in (picture.height, picture.width) if side]
    shape: dict[str, Any] = {}
    if len(sides) == 2:
        shape["size"] = sides[0] if sides[0] == sides[1] else sides
    elif sides:
        shape["size"] = sides[0]
    if picture.channels == 1:
        shape["color"] = "gray"
    signed = picture.element == TensorProto.INT8
    numbers = {"mean": 128.0 if signed else 0.0, "scale": 1.0} if picture.integral else {}
    return {"input shape": shape, "input type": numbers}


def _from_model(properties: Mapping[str, str], given: Mapping[str, Any], channels: int) -> dict[str, Any]:
    """Color order and range, from metadata_props inside the model."""
    known = {key.lower(): text.lower() for key, text in properties.items()}
    order, span = known.get("image.bitmappixelformat"), known.get("image.nominalpixelrange")
    fields: dict[str, Any] = {}
    if order in COLORS:
        fields["color"] = COLORS[order]
    elif order is not None and "color" not in given and channels > 1:
        raise ModelRefused(
            f"the model's metadata names the pixel format {order!r}; give the profile's color, rgb or bgr"
        )
    if span in RANGES:
        fields["mean"], fields["scale"] = RANGES[span]
    elif span is not None and not {"mean", "scale"} <= set(given):
        raise ModelRefused(f"the model's metadata names the pixel range {span!r}; give the profile's mean and scale")
    return fields


def _from_export(properties: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Geometry, from metadata_properties.json; its pixel format and range are wrong for some exports, and not read."""
    method = tuple(properties.get(EXPORT + name, "") for name in ("CropMethod", "ResizeMethod"))
    crop = CROPS.get((method[0].lower(), method[1].lower()))
    doubts = [
        f"metadata_properties.json has {name} {properties[EXPORT + name]}, not applied; give mean and scale"
        for name, idle in (("NormalizeMean", 0.0), ("NormalizeStd", 1.0))
        if not _is_idle(properties.get(EXPORT + name, "null"), idle)
    ]
    if crop is None:
        return {}, doubts + (
            [f"metadata_properties.json has an unknown crop {'+'.join(method)}"] if any(method) else []
        )
    target, cut = (_whole(properties.get(EXPORT + name, "")) for name in ("TargetHeight", "CropHeight"))
    fields: dict[str, Any] = {"crop": crop, "size": cut if crop == "shorter-side" else target}
    if crop == "shorter-side":
        fields["resize"] = target
    return {name: field for name, field in fields.items() if field}, doubts


def _check_size(network: Network, fields: Mapping[str, Any]) -> None:
    fixed, size = (network.input.height, network.input.width), fields.get("size")
    if not size:
        raise ModelRefused(
            "the model takes pictures of any size and nothing names one; give one with --profile, a file such as "
            '{"size": 224}'
        )
    sides = size if isinstance(size, list | tuple) else [size, size]
    if len(sides) == 2 and any(want not in (None, have) for want, have in zip(fixed, sides, strict=True)):
        wanted = _shown([want or have for want, have in zip(fixed, sides, strict=True)])
        raise ModelRefused(
            f"the profile's size is {_shown(sides)}, the model takes exactly {wanted}; give {wanted} or leave it out"
        )


def _check_numbers(picture: ImageInput, profile: Profile) -> None:
    """Channels and whole numbers: what the network takes, the profile must make."""
    if (picture.channels == 1) != (profile.color == "gray"):
        has = "one grey channel" if picture.channels == 1 else "three channels"
        raise ModelRefused(f"the profile's color is {profile.color}, the model takes {has}; leave color out")
    if picture.integral and any(number % 1 for number in (*profile.mean, *(1 / scale for scale in profile.scale))):
        raise ModelRefused(
            f"the model takes whole numbers ({picture.dtype}) and scales them itself, the profile has mean "
            f"{profile.mean} and scale {profile.scale}; leave mean and scale out"
        )


def _shown(sides: Sequence[int]) -> str:
    return str(sides[0]) if sides[0] == sides[1] else f"[{sides[0]}, {sides[1]}]"


def _doubts(layers: Mapping[str, Mapping[str, Any]], profile: Profile, sources: Mapping[str, str]) -> list[str]:
    has = profile.to_json()["size"]
    doubts = [
        f"{source} names {layers[source]['size']} pixels, the model takes {has}"
        for source in (ULTRALYTICS, "metadata_properties.json")
        if sources["size"] == "input shape" and layers[source].get("size", has) != has
    ]
    assumed = ", ".join(sorted(name for name, source in sources.items() if source == "assumed"))
    if assumed:
        doubts.append(f"nothing in the file says which preprocessing it wants, assumed: {assumed}")
    return doubts


def _is_idle(text: str, value: float) -> bool:
    try:
        return all(number == value for number in json.loads(text) or [])
    except (ValueError, TypeError):
        return False


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0  # of thousands of digits int makes no number
