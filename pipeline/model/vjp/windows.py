"""Windows that slide over a picture, as convolutions and pools have them, and the adjoint of a convolution."""

from dataclasses import dataclass

import numpy as np

from pipeline.model.vjp.draft import Draft
from pipeline.model.vjp.walk import Step


@dataclass(frozen=True, slots=True)
class Windows:
    """Where the windows of a node lie, a number for each spatial axis.

    Attributes
    ----------
    size : tuple of int
        Of the input.
    out : tuple of int
        Of the output: how many windows.
    kernel, strides, dilations, begins, ends : tuple of int
        `begins` and `ends` are the padding; of a pool with `ceil_mode` the ends reach as far as its last window.
    """

    size: tuple[int, ...]
    out: tuple[int, ...]
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    begins: tuple[int, ...]
    ends: tuple[int, ...]

    @property
    def spans(self) -> tuple[int, ...]:
        """From the first pixel of a window to its last, less one: what a dilated kernel covers."""
        return tuple((k - 1) * d for k, d in zip(self.kernel, self.dilations, strict=True))


def windows(step: Step, kernel: tuple[int, ...]) -> Windows:
    """The windows of a Conv, MaxPool or AveragePool. Raises Unsupported where the size of its input is not known."""
    rank = len(kernel)
    size = step.draft.lengths(step.x, range(2, 2 + rank))
    strides = tuple(step.attribute("strides", [1] * rank))
    dilations = tuple(step.attribute("dilations", [1] * rank))
    spans = [(k - 1) * d for k, d in zip(kernel, dilations, strict=True)]
    auto = step.attribute("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        totals = [max(0, (-(-n // s) - 1) * s + span + 1 - n) for n, s, span in zip(size, strides, spans, strict=True)]
        more, less = [-(-total // 2) for total in totals], [total // 2 for total in totals]
        begins, ends = (less, more) if auto == "SAME_UPPER" else (more, less)
    else:
        pads = [0] * (2 * rank) if auto == "VALID" else step.attribute("pads", [0] * (2 * rank))
        begins, ends = list(pads[:rank]), list(pads[rank:])
    out = step.draft.lengths(step.y, range(2, 2 + rank))
    reach = [(o - 1) * s + span + 1 for o, s, span in zip(out, strides, spans, strict=True)]
    ends = [max(e, r - b - n) for e, r, b, n in zip(ends, reach, begins, size, strict=True)]
    return Windows(size, out, kernel, strides, dilations, tuple(begins), tuple(ends))


def adjoint(draft: Draft, message: str, weight: str, group: int, win: Windows) -> str:
    """What the adjoint of a convolution makes of a message.

    Parameters
    ----------
    draft : Draft
    message : str
        [n, out channels, *win.out]
    weight : str
        The convolution's kernel [out channels, in channels / group, *win.kernel].
    group : int
    win : Windows

    Returns
    -------
    str
        [n, in channels, *win.size]
    """
    value, pads = draft.value(weight), _pads(win)
    apart, flat = set(win.strides) != {1}, len(win.size) == 2
    square = flat and group == 1 < win.strides[0] == win.strides[1] <= min(win.kernel)
    if value is not None and square:
        return _by_phases(draft, message, value, win)
    # ConvTranspose would go through a depthwise convolution channel by channel.
    depthwise = value is not None and flat and 1 < group == len(value)
    if value is None or min(pads) < 0 or (apart and not depthwise):
        return _transposed(draft, message, weight, group, win)
    spread = _among_zeros(draft, message, win, len(value)) if apart else message
    turned = draft.constant(_turned(value, group))
    return draft.node("Conv", spread, turned, dilations=win.dilations, group=group, pads=pads)


def _pads(win: Windows) -> list[int]:
    """The padding of a message, whose pixels are as far apart as the strides, that makes of it the input's size."""
    before = [span - begin for span, begin in zip(win.spans, win.begins, strict=True)]
    reach = zip(win.size, win.spans, win.out, win.strides, before, strict=True)
    return [*before, *(n + span - o * s - pad for n, span, o, s, pad in reach)]


def _among_zeros(draft: Draft, message: str, win: Windows, channels: int) -> str:
    """A message [n, c, h, w] with its pixels as far apart as the strides, zeros between and behind them.

    With the channels last, as a pixel is a run of numbers there, and Pad copies runs: a product that spreads rows takes
    over twice as long, and ONNX Runtime goes from its blocked layout to this one as readily as to the other.
    """
    (down, across), (height, width) = win.strides, win.out
    pixels = draft.reshape(draft.transpose(message, [0, 2, 3, 1]), [0, height, 1, width, channels])
    spread = draft.pad(pixels, [0] * 5, [0, 0, down - 1, 0, (across - 1) * channels])
    return draft.transpose(draft.reshape(spread, [0, down * height, across * width, channels]), [0, 3, 1, 2])


def _turned(weight: np.ndarray, group: int) -> np.ndarray:
    """The kernel with its axes reversed, and within each group inputs and outputs changed over."""
    out, inside, *kernel = weight.shape
    grouped = weight.reshape(group, out // group, inside, *kernel).swapaxes(1, 2)
    turned = grouped.reshape(group * inside, out // group, *kernel)
    return np.ascontiguousarray(np.flip(turned, axis=tuple(range(2, turned.ndim))))


def _by_phases(draft: Draft, message: str, weight: np.ndarray, win: Windows) -> str:
    """By a convolution that gives, for each pixel of the message, the pixels of its stride as channels, side by side.

    A pixel stride · i + phase is reached from the message's pixel i + step through the kernel's place
    (phase + begin - stride · step) / dilation. Shi et al., "Real-time single image and video super-resolution using
    an efficient sub-pixel convolutional neural network", 2016.
    """
    stride = win.strides[0]
    (tall, above, below), (wide, left, right) = (_phases(win, axis) for axis in range(2))
    # One axis after the other: both at once take seconds for the largest kernels.
    kernel = np.einsum("oiyx,ayj,bxk->abiojk", weight, tall, wide, optimize=True)
    kernel = kernel.reshape(-1, *kernel.shape[3:]).astype(weight.dtype)
    phases = draft.node("Conv", message, draft.constant(kernel), pads=[above, left, below, right])
    whole = draft.node("DepthToSpace", phases, blocksize=stride)
    return draft.slice(whole, [2, 3], [0, 0], list(win.size)) if np.mod(win.size, stride).any() else whole


def _phases(win: Windows, axis: int) -> tuple[np.ndarray, int, int]:
    """Which place of the kernel goes from which step to which phase, [phase, place, step]; and the padding for it."""
    stride, dilation, begin = win.strides[axis], win.dilations[axis], win.begins[axis]
    phase, place = np.mgrid[:stride, : win.kernel[axis]]
    step, off = np.divmod(phase + begin - place * dilation, stride)
    more = -(-win.size[axis] // stride) - win.out[axis]  # rows that the message has not
    before, after = max(0, -step[off == 0].min()), max(0, more + step[off == 0].max())
    taken = np.zeros((*phase.shape, before + after - more + 1), np.float32)
    taken[phase[off == 0], place[off == 0], step[off == 0] + before] = 1
    return taken, before, after


def _transposed(draft: Draft, message: str, weight: str, group: int, win: Windows) -> str:
    """By ConvTranspose without padding, cut to the input's place: its ways to name a size split odd pads otherwise."""
    rank = len(win.size)
    full = [(o - 1) * s + span + 1 for o, s, span in zip(win.out, win.strides, win.spans, strict=True)]
    lacking = [max(0, n + b - f) for n, b, f in zip(win.size, win.begins, full, strict=True)]
    whole = draft.node("ConvTranspose", message, weight, dilations=win.dilations, group=group, strides=win.strides)
    whole = draft.pad(whole, [0] * (rank + 2), [0, 0, *lacking])
    ends = [b + n for b, n in zip(win.begins, win.size, strict=True)]
    if not any(win.begins) and [f + more for f, more in zip(full, lacking, strict=True)] == ends:
        return whole
    return draft.slice(whole, list(range(2, 2 + rank)), list(win.begins), ends)
