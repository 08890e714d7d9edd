"""What a network looks for: pictures that excite its labels and channels most, and the photographs that do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.model.excitable import Excitable
from pipeline.model.excitation import Excited, most_excited, most_varied
from pipeline.model.maximised import Climb, maximised
from pipeline.model.model import Model
from pipeline.pictures import png
from polelens.card import picture

LABELS, CHANNELS, SHOWN = 12, 8, 4  # pictures of labels, of channels, and photographs of each channel, at most
DIM = 0.35  # of its brightness, what of a photograph does not excite a channel


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be looked at.

    Attributes
    ----------
    layer : str or None
        Whose channels; None is the last with a height and a width.
    channels : tuple of int
        None given, those whose largest activation differs most between the photographs.
    climb : Climb
    threads : int
    """

    layer: str | None = None
    channels: tuple[int, ...] = ()
    climb: Climb = field(default_factory=Climb)
    threads: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A picture of what is looked for, and the photographs nearest to it.

    Attributes
    ----------
    title : str
    maximised : uint8 [h, w, 3]
    photographs : tuple of uint8 [h, w, 3]
        Those that excite it most, the strongest first, with what does not excite it dimmed.
    activations : tuple of float
    """

    title: str
    maximised: NDArray[np.uint8]
    photographs: tuple[NDArray[np.uint8], ...] = ()
    activations: tuple[float, ...] = ()


def look(model: Model, photographs: Sequence[NDArray[np.uint8]], wanted: Wanted) -> Iterator[Seen]:
    """The labels of a model, then channels of a layer.

    Parameters
    ----------
    model : Model
    photographs : sequence of uint8 [H, W, 3]
        May be none: then channels are shown without any, the first ones unless they are named.
    wanted : Wanted

    Raises
    ------
    ValueError
        If the network has no gradient, no such layer or no such channel.
    """
    network = Excitable(model, wanted.threads)
    if wanted.layer:
        network.interior.check_layer(wanted.layer)
    for column, label in enumerate(model.labels[:LABELS]):
        yield Seen(label, maximised(network.size, network.of_label(column), wanted.climb))
    layer = wanted.layer or network.interior.anatomy.layer
    if layer is None:
        return
    canvases = [model.profile.canvas(one) for one in photographs]
    maps = [network.maps(canvas, layer) for canvas in canvases]
    channels = wanted.channels or (most_varied(maps, CHANNELS) if maps else range(CHANNELS))
    for channel in channels:
        made = maximised(network.size, network.of_channel(layer, channel), wanted.climb)
        excited = most_excited(maps, channel, SHOWN)
        dimmed = tuple(_dimmed(canvases[one.photograph], one) for one in excited)
        yield Seen(f"{layer}, channel {channel}", made, dimmed, tuple(one.activation for one in excited))


def page(model: str, seen: Sequence[Seen]) -> str:
    """All of it as one HTML file that needs nothing but itself."""
    rows = "\n".join(_row(one) for one in seen)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>What {escape(model)} looks for</title>"
        "<style>body{font:16px sans-serif;background:#fff;color:#16191d;margin:2em}"
        "section{margin:0 0 2em;display:flex;flex-wrap:wrap;gap:8px}h2{flex-basis:100%;margin:0}"
        "figure{margin:0;width:224px}"
        "@media(max-width:540px){body{margin:1em}figure{width:calc(50% - 4px)}}</style>"
        f"<h1>What {escape(model)} looks for</h1>"
        "<p>Each first picture was made to excite a label or a channel as much as may be; the photographs beside it "
        "excite the channel most: what of them does is left bright, and below stands how strongly.</p>"
        f"{rows}</html>\n"
    )


def _row(one: Seen) -> str:
    cells = [(one.maximised, "made to excite it")]
    cells += [(shown, f"{strength:.3g}") for shown, strength in zip(one.photographs, one.activations, strict=True)]
    figures = "".join(
        f"<figure>{picture(png(shown), f'{one.title}: {words}')}<figcaption>{escape(words)}</figcaption></figure>"
        for shown, words in cells
    )
    return f"<section><h2>{escape(one.title)}</h2>{figures}</section>"


def _dimmed(canvas: NDArray[np.uint8], one: Excited) -> NDArray[np.uint8]:
    """A canvas with the exciting region left as it is."""
    height, width = canvas.shape[:2]
    region = Image.fromarray(one.region.astype(np.uint8) * 255).resize((width, height), Image.Resampling.BILINEAR)
    share = DIM + (1 - DIM) * (np.asarray(region, float) / 255)[..., None]
    return np.asarray(np.round(canvas * share), np.uint8)
