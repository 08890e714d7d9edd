"""A model's labels: as many as its columns, in their order, and no two alike."""

from collections import Counter
from collections.abc import Sequence
from itertools import count

from pipeline.model.custom_vision import Export
from pipeline.model.metadata import class_names
from pipeline.model.model import ModelRefused
from pipeline.model.normalised import Network


def labels_of(
    given: Sequence[str] | None, export: Export, network: Network, columns: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The labels, and what a person should know of them.

    They come from the first of these that has any: the caller, the zip, the model's ZipMap, its metadata. Two labels
    for one column are those of its absence and its presence.

    Raises
    ------
    ModelRefused
        If there are none, not as many as columns, or ZipMap has others.
    """
    classes = network.output.classes
    labels = tuple(given) if given is not None else export.labels or classes or class_names(network.properties)
    if labels is None:
        raise ModelRefused(
            "the file carries no labels; give a labels file (--labels), one label a line in the order of the outputs"
        )
    if len(labels) != columns and (columns, len(labels)) != (1, 2):
        raise ModelRefused(_miscounted(len(labels), columns))
    if classes is not None and classes != labels:
        place = next(i for i, (a, b) in enumerate(zip(labels, classes, strict=True)) if a != b)
        raise ModelRefused(
            f"label {place + 1} is {labels[place]!r}, the model itself calls that output {classes[place]!r}; "
            "give the labels in the model's order"
        )
    return told_apart(labels)


def _miscounted(labels: int, columns: int) -> str:
    told = f"there are {labels} labels for {columns} outputs of the model; give one label for each output"
    if columns == labels + 1:
        return f"{told}: if its first one is of the background, begin the labels with a line for that"
    return told


def told_apart(labels: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The labels, with their number, counted from 0, after those that stand there twice."""
    often = {label for label, times in Counter(labels).items() if times > 1}
    if not often:
        return labels, ()
    taken, told = set(labels), []
    for place, label in enumerate(labels):
        if label not in often:
            told.append(label)
            continue
        told.append(next(new for n in count() if (new := f"{label} ({place})" + "'" * n) not in taken))
        taken.add(told[-1])
    shown = ", ".join(new for new, old in zip(told, labels, strict=True) if old in often and new != old)
    warning = f"labels that stand there twice are told apart by their output's number, from 0: {shown}"
    return tuple(told), (warning,)
