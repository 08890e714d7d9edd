"""Terms: what two audits have in common, and so what a comparison of them may say."""

from dataclasses import dataclass, fields
from typing import Self

from pipeline.recipe import Recipe

CURVES = {"segmenter", "fill"}  # decide what a deletion curve takes away, and what it shows in its place


@dataclass(frozen=True, slots=True)
class Terms:
    """What two audits differ in.

    Attributes
    ----------
    one_model : bool
        Whether both are of one version of one model.
    differing : tuple of str
        The fields in which their recipes differ, in order; names and seeds are no difference.
    """

    one_model: bool = False
    differing: tuple[str, ...] = ()

    @classmethod
    def of(cls, before: Recipe, after: Recipe, *, one_model: bool) -> Self:
        """The terms of two audits by these recipes."""
        names = {one.name for one in fields(Recipe)} - {"name", "seeds"}
        return cls(one_model, tuple(sorted(n for n in names if getattr(before, n) != getattr(after, n))))

    @property
    def one_recipe(self) -> bool:
        """Whether what changed is the model's doing."""
        return not self.differing

    @property
    def against_curves(self) -> str | None:
        """Why deletion and insertion curves of the two are not of one measure; None where they are."""
        if not self.one_model:
            return "curves of other models cannot be compared"
        others = [name for name in self.differing if name in CURVES]
        return f"curves over another {' and '.join(others)} cannot be compared" if others else None
