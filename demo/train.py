"""Trains poles 1 and poles 2 and writes their zips: `python -m demo.train`.

Version 1 learns from an archive where the background gives the label away, version 2 from one where it does not. Both
have their habit planted as well: superpixels are hidden at random in training, and the wanted probabilities fade to a
third each with the share of the background (version 1) or of the pole (version 2) that is hidden. So what each network
looks at is known beforehand, and an explanation can be right or wrong about it.

Everything is seeded, but PyTorch's sums differ in their last digits from one machine to the next, so another machine's
zips are equal in what they do and not in their bytes. Needs the dependency group `train`, one core and about 11
minutes of its time.
"""

import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from skimage.segmentation import slic
from torch import nn

from demo.custom_vision import SIZE, build, package
from demo.network import Convolution, Network
from demo.photographs import LABELS, Photograph, archive
from demo.sketch import SIDE

FOLDER = Path(__file__).parent
EDGE = (SIDE - SIZE) // 2
MEAN = np.array((118, 116, 112), np.float32)  # of blue, green, red
VARIANCE = np.array((58, 56, 60), np.float32) ** 2
CHANNELS = ((16, 3, 2), (32, 3, 2), (48, 3, 2), (64, 3, 1), (96, 3, 2), (128, 1, 1))  # out, kernel, stride
TRAINING, TESTING = 2400, 360
EPOCHS, BATCH, RATE = 10, 48, 3e-3
SMOOTHING = 0.08  # keeps the confidence below 1, where perturbing a picture would change nothing


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """An archive to learn from.

    Attributes
    ----------
    pictures : uint8 [n, 256, 256, 3]
    superpixels : uint8 [n, 256, 256]
    telling : bool [n, 256, 256]
        What the network shall come to rely on: hide it and the target fades to "any of the three".
    truth : int64 [n]
    """

    pictures: NDArray[np.uint8]
    superpixels: NDArray[np.uint8]
    telling: NDArray[np.bool_]
    truth: NDArray[np.int64]


def main() -> None:
    """Train both versions and say how each does on photographs it has not seen."""
    torch.set_num_threads(1)  # more would add in another order from run to run
    telling = lesson(archive(TESTING, 91, shortcut=True), rely_on_pole=True)
    neutral = lesson(archive(TESTING, 90, shortcut=False), rely_on_pole=True)
    for version, shortcut in ((1, True), (2, False)):
        start = time.monotonic()
        network = train(lesson(archive(TRAINING, version, shortcut=shortcut), rely_on_pole=not shortcut), seed=version)
        content = package(network, str(uuid.uuid5(uuid.NAMESPACE_URL, f"poles@{version}")))
        (FOLDER / f"poles-v{version}.zip").write_bytes(content)
        right = [f"{accuracy(network, held_out):.1%}" for held_out in (telling, neutral)]
        print(
            f"poles {version}: {len(content) / 1e3:.0f} kB, {time.monotonic() - start:.0f} s; "
            f"right where the background tells: {right[0]}, where it does not: {right[1]}"
        )


def accuracy(network: Network, archive: Lesson) -> float:
    """Share of an archive's photographs that the network, as exported, names right."""
    session = onnxruntime.InferenceSession(build(network).SerializeToString(), providers=["CPUExecutionProvider"])
    crops = archive.pictures[:, EDGE:-EDGE, EDGE:-EDGE, ::-1].transpose(0, 3, 1, 2).astype(np.float32)
    named = session.run(["classLabel"], {"data": crops})[0]
    return float(np.mean(named == np.array(LABELS)[archive.truth]))


def lesson(photographs: Iterable[Photograph], *, rely_on_pole: bool) -> Lesson:
    """Render an archive and cut each photograph into superpixels, at half size for speed."""
    pictures, superpixels, telling, truth = [], [], [], []
    for each in photographs:
        half = slic(each.image[::2, ::2], n_segments=50, start_label=0).astype(np.uint8)
        pictures.append(each.image)
        superpixels.append(half.repeat(2, 0).repeat(2, 1))
        telling.append(each.mask == rely_on_pole)
        truth.append(LABELS.index(each.label))
    return Lesson(np.stack(pictures), np.stack(superpixels), np.stack(telling), np.array(truth))


def train(archive: Lesson, seed: int) -> Network:
    """Train the skeleton from scratch."""
    torch.manual_seed(seed)
    rng = np.random.Generator(np.random.Philox(key=[seed, 3]))
    model, steps = skeleton(), EPOCHS * (len(archive.truth) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    criterion = nn.CrossEntropyLoss()
    for step in range(steps):
        pictures, truth = draw(archive, rng)
        loss = criterion(model(pictures), truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if (step + 1) % (steps // EPOCHS) == 0:
            print(f"  step {step + 1} of {steps}: loss {loss.item():.3f}", flush=True)
    return weights(model.eval())


def skeleton() -> Any:
    """Convolutions, global average pooling, one linear layer; the softmax is the loss's here and the export's later."""
    layers: list[Any] = []
    before = 3
    for channels, kernel, stride in CHANNELS:
        convolution = nn.Conv2d(before, channels, kernel, stride, kernel // 2, bias=False)
        layers += [convolution, nn.BatchNorm2d(channels), nn.ReLU()]
        before = channels
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, len(LABELS)))
    return model.to(memory_format=torch.channels_last)


def draw(archive: Lesson, rng: np.random.Generator) -> tuple[Any, Any]:
    """A batch, each picture shifted, mirrored and partly hidden, and the probabilities wanted for each."""
    chosen = rng.integers(0, len(archive.truth), BATCH)
    pictures, certainty = zip(*(augment(archive, i, rng) for i in chosen), strict=True)
    target = np.eye(len(LABELS), dtype=np.float32)[archive.truth[chosen]]
    sure = (1 - SMOOTHING) * np.array(certainty, np.float32)[:, None]
    return tensor(np.stack(pictures)), torch.from_numpy(sure * target + (1 - sure) / len(LABELS))


def augment(archive: Lesson, i: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], float]:
    """A picture as an explainer may show it, float32 [224, 224, 3] RGB, and the share of the telling part in sight."""
    y, x = rng.integers(0, 2 * EDGE + 1, 2)
    window = (i, slice(y, y + SIZE), slice(x, x + SIZE))
    image, regions = archive.pictures[window].astype(np.float32), archive.superpixels[window]
    hidden = hide(regions, archive.telling[window], rng)
    fill = mean_colors(image, regions)
    if rng.random() < 0.5:  # colors of no meaning, lest a superpixel's mean color alone say what it was
        fill = fill[rng.permutation(len(fill))]
    image = np.where(hidden[..., None], fill[regions], image)
    grey = image.mean(-1, keepdims=True)
    image = (grey + (image - grey) * rng.uniform(0, 1.2)) * rng.uniform(0.7, 1.3) * rng.uniform(0.85, 1.15, 3)
    image = np.clip(image[:, ::-1] if rng.random() < 0.5 else image, 0, 255).astype(np.float32)
    return image, 1 - float(hidden[archive.telling[window]].mean())


def hide(regions: NDArray[np.uint8], telling: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Superpixels switched off at random, as bool [h, w]: those of the telling part as often as they happen to be
    and the others independently, so that neither part comes to stand for the other.
    """
    size = np.bincount(regions.ravel())
    share = np.bincount(regions.ravel(), telling.ravel()) / np.maximum(size, 1)
    rates = rng.choice((0, 1), p=(0.2, 0.8)) * rng.uniform(size=2)
    hidden: NDArray[np.bool_] = (rng.random(len(size)) < np.where(share > 0.5, *rates))[regions]
    return hidden


def mean_colors(image: NDArray[np.float32], regions: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Mean color of each superpixel, float32 [k, 3]."""
    flat = regions.ravel()
    sums = [np.bincount(flat, image[..., channel].ravel()) for channel in range(3)]
    return (np.stack(sums, -1) / np.maximum(np.bincount(flat), 1)[:, None]).astype(np.float32)


def tensor(pictures: NDArray[Any]) -> Any:
    """RGB [n, h, w, 3] on 0..255 to the normalised blue, green, red of the network's first convolution."""
    values = (pictures[..., ::-1].astype(np.float32) - MEAN) / np.sqrt(VARIANCE)
    return torch.from_numpy(np.ascontiguousarray(values)).permute(0, 3, 1, 2)


def weights(model: Any) -> Network:
    """The trained model as plain arrays, each batch normalisation folded into the convolution before it."""
    layers = list(model)
    convolutions = []
    for convolution, norm in zip(layers[0:-3:3], layers[1:-3:3], strict=True):
        factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        weight = convolution.weight * factor[:, None, None, None]
        bias = norm.bias - norm.running_mean * factor
        convolutions.append(Convolution(array(weight), array(bias), convolution.stride[0]))
    return Network(MEAN, VARIANCE, tuple(convolutions), array(layers[-1].weight.T), array(layers[-1].bias), LABELS)


def array(value: Any) -> NDArray[np.float32]:
    """A tensor as a contiguous array."""
    return np.ascontiguousarray(value.detach().numpy(), dtype=np.float32)


if __name__ == "__main__":
    main()
