"""A recipe: everything that decides an explanation beside the photograph and the model, as one value with a digest."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self

from pipeline.conversation.designs import DESIGNS, whole_block
from pipeline.model.precision import F32, PRECISIONS, Precision
from pipeline.recipe_fields import named, one_of, positive, seeds, storable, within
from pipeline.scene.choice import own_options
from pipeline.scene.fills import NAMED, color
from pipeline.scene.segments import SEGMENTERS
from pipeline.text import meant

Options = Mapping[str, Any]

# The fields that are in every recipe's JSON, and so in its digest, whatever their value. A field that is added later is
# no part of either while it is left at its default, or every archive would have to be explained again.
FIRST = frozenset(
    {"name", "method", "segmenter", "fill", "design", "samples", "seeds", "stopping", "kernel_width", "surrogate"}
    | {"labels", "judge", "thorough", "denoise"}
)
MAX_EVALUATIONS = 10_000_000
AUTO = "auto"  # of samples
USUAL = 50  # superpixels of a segmenter that is not told how many

# Without smoothing, and at compactness 10, grain and texture shatter superpixels and SLIC merges the splinters: one
# superpixel for `skimage.data.gravel()`, 7 for `grass()`. These options give 28 to 49 on all its photographs.
SLIC = {"name": "slic", "n_segments": 50, "compactness": 20, "sigma": 1}
QUICKSHIFT = {"name": "quickshift", "kernel_size": 4, "max_dist": 200, "ratio": 0.2}  # as the lime package has it


@dataclass(frozen=True, slots=True)
class Stopping:
    """When to stop asking, looked at after each round of seeds.

    Enough is known of a label when the standard error of its weights is at most `precision` of their size (root mean
    squares over superpixels), the last of the `top` superpixels lies at least `gap` standard errors above the next,
    and leaving out any one seed leaves the same on top. At `tie` of their size it is enough in any case: what still
    trades places then weighs the same. The first is a fixed-width rule (Chow and Robbins 1965, with the jackknife's
    error), the second asks as S-LIME does whether the selection would change (Zhou, Hooker and Wang 2021, section 3),
    the last is an indifference zone (Bechhofer 1954).

    Attributes
    ----------
    first, step : int
        Seeds of the first round, and of each further one.
    top : int
    precision, gap, tie : float
    confidence : 0..1 or None
        That the last of the top is above the next, two-sided, by Student's t of one degree less than there are seeds:
        of three seeds the jackknife's two standard errors are 82 %. Instead of `gap`, where it is given.
    futility : 0..1 or None
        The chance that all seeds would part the two, below which the rest is not asked: see
        `pipeline.methods.stopping.parting`. Only once the error is within `precision`, which more seeds always serve.
    ratio : float or None
        Of the largest standard error to the range of the weights, at which it is enough (Covert and Lee 2021). Instead
        of all the others, where it is given.
    """

    first: int = 3
    step: int = 1
    top: int = 5
    precision: float = 0.25
    gap: float = 2.0
    tie: float = 0.005
    confidence: float | None = None
    ratio: float | None = None
    futility: float | None = None

    def __post_init__(self) -> None:
        for name in ("confidence", "futility"):
            share = getattr(self, name)
            if share is not None and not (positive(share) and share < 1):
                raise ValueError(f"stopping.{name} is {share!r}, expected a share between 0 and 1, or null")
        if self.ratio is not None and not positive(self.ratio):
            raise ValueError(f"stopping.ratio is {self.ratio!r}, expected a number above 0, or null")
        for one in fields(self):
            value: Any = getattr(self, one.name)
            low = 2 if one.name == "first" else 1
            if one.type is int and not (type(value) is int and value >= low):
                raise ValueError(f"stopping.{one.name} is {value!r}, expected a whole number of at least {low}")
            if one.type is float and not (type(value) in (int, float) and 0 <= value < math.inf):
                raise ValueError(f"stopping.{one.name} is {value!r}, expected a number of at least 0")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to explain one photograph.

    Attributes
    ----------
    name : str
        For people; not part of the digest.
    method : str
        See `pipeline.methods.METHODS`.
    segmenter : {"name": ..., its own options}
        See `pipeline.scene.segments`.
    fill : str
        See `pipeline.scene.fills`.
    design : str
        See `pipeline.conversation.designs`.
    samples : int or "auto"
        Masks drawn under each seed; `auto` is a whole block of the Hadamard design, twice the next power of two above
        the number of superpixels, and every mask there is, once, for up to five.
    seeds : tuple of int
        Each seed is a replicate; their spread is the stability, their pool is the estimate.
    stopping : {"first": ..., "step": ..., "top": ..., "precision": ..., "gap": ..., "tie": ...} or None
        Ask seed by seed, and no more than it takes: see `Stopping`. None asks all seeds at once.
    kernel_width : float or None
        Of lime's kernel exp(-d^2 / 2 width^2) on the cosine distance to the whole photograph; None weighs all alike.
    surrogate : {"name": ..., its own options}
        See `pipeline.methods.surrogate`.
    labels : "top", "all" or a tuple of names
        The labels explained; "top" is the model's prediction.
    judge : bool
        Whether the answer is put to the test by a further probe: see `pipeline.judge.judged`.
    thorough : bool
        Whether that test also says which choices move the explanation: see `pipeline.judge.variations`.
    denoise : float or None
        Explain again without what speaks against the label: the strongest superpixels that carry this share of it,
        1 for all; see `pipeline.methods.noise_experiment`.
    options : mapping
        The method's own options; it checks them itself.
    precision : str
        What the network computes in, see `pipeline.model.precision`.
    """

    name: str
    method: str = "lime"
    segmenter: Options = field(default_factory=lambda: dict(SLIC))
    fill: str = "mean"
    design: str = "hadamard"
    samples: int | str = AUTO
    seeds: tuple[int, ...] = tuple(range(1, 82, 10))
    stopping: Options | None = None
    kernel_width: float | None = None
    surrogate: Options = field(default_factory=lambda: {"name": "ridge", "alpha": 0.01})
    labels: str | tuple[str, ...] = "top"
    judge: bool = True
    thorough: bool = False
    denoise: float | None = None
    options: Options = field(default_factory=dict)
    precision: Precision = F32

    def __post_init__(self) -> None:
        for one in fields(self):
            storable(one.name, getattr(self, one.name))
        for name in ("segmenter", "surrogate"):
            named(name, getattr(self, name))
        one_of("segmenter", self.segmenter["name"], SEGMENTERS)
        one_of("design", self.design, DESIGNS)
        one_of("precision", self.precision, PRECISIONS)
        if self.fill not in NAMED:
            color(self.fill)
        if self.samples != AUTO:
            within("samples", self.samples, 4, 1_000_000, AUTO)
        for seed in self.seeds:
            within("seeds", seed, 0, 2**32 - 1)
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"recipe: seeds are {list(self.seeds)}, expected at least one and no two alike")
        if len(self.seeds) * self.drawn(self.superpixels) > MAX_EVALUATIONS:
            raise ValueError(f"recipe: more than {MAX_EVALUATIONS} evaluations a photograph; lower samples or seeds")
        self._check_stopping()
        if self.kernel_width is not None and not positive(self.kernel_width):
            raise ValueError(
                f"recipe: kernel_width is {self.kernel_width!r}, expected a number above 0, or null for no kernel"
            )
        self._check_tests()
        if not isinstance(self.options, Mapping):
            raise ValueError(f"recipe: options is {self.options!r}, expected an object of the method's own options")
        names = (self.labels,) if isinstance(self.labels, str) else self.labels
        plain = isinstance(names, tuple) and all(isinstance(one, str) and one for one in names)
        if not plain or len(set(names)) != max(len(names), 1):
            raise ValueError(f"recipe: labels is {self.labels!r}, expected top, all or names, no two alike")

    def _check_tests(self) -> None:
        for name in ("judge", "thorough"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"recipe: {name} is {getattr(self, name)!r}, expected true or false")
        if self.thorough and not self.judge:
            raise ValueError("recipe: thorough is true, which needs judge to be true too")
        if self.denoise is not None and not (positive(self.denoise) and self.denoise <= 1):
            raise ValueError(f"recipe: denoise is {self.denoise!r}, expected a share above 0 up to 1, or null")

    def to_json(self) -> dict[str, Any]:
        """The recipe's fields as a JSON object; later ones that say nothing new are not in it, see `FIRST`."""
        body, plain = (json.loads(json.dumps(asdict(one))) for one in (self, type(self)(self.name)))
        return {key: value for key, value in body.items() if key in FIRST or value != plain[key]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """A recipe from its JSON object; fields left out keep the default's. Raises ValueError naming the field."""
        if not isinstance(value, Mapping):
            raise ValueError(f"recipe: it is {value!r}, expected an object of its fields")
        known = {f.name for f in fields(cls)}
        unknown = set(value) - known - {"digest"}
        if unknown:
            first = min(unknown)
            raise ValueError(
                f"recipe: unknown field {first}{meant(first, known)}; there are {', '.join(sorted(known))}"
            )
        given = {name: value[name] for name in value if name in known}
        if "seeds" in given:
            given["seeds"] = seeds(given["seeds"])
        if isinstance(given.get("labels"), list):
            given["labels"] = tuple(given["labels"])
        return cls(**{"name": "custom", **given})

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of all fields but the name, in hex: two recipes alike are one.

        A field that came later and is left at its default is no part of it: what an archive explained stays explained.
        """
        body = {key: value for key, value in self.to_json().items() if key != "name"}
        body = json.loads(json.dumps(body), parse_int=float)  # 1 and 1.0 are alike
        return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    @property
    def title(self) -> str:
        """The name for people, and what the network is computed in where that is below float32."""
        return self.name if self.precision == F32 else f"{self.name} in {self.precision}"

    def rounds(self) -> Stopping | None:
        """The rule after which seeds are asked in rounds, if they are."""
        return None if self.stopping is None else Stopping(**self.stopping)

    @property
    def superpixels(self) -> int:
        """About how many superpixels a photograph gets, for a plan: as asked for, or as usual."""
        asked = self.segmenter.get("n_segments", USUAL)
        return asked if isinstance(asked, int) else USUAL

    def sized(self, k: int) -> "Recipe":
        """The recipe as it is planned for photographs of k superpixels, whatever its segmenter; not to explain by."""
        return replace(self, segmenter={"name": "grid", "n_segments": k})

    def drawn(self, k: int) -> int:
        """Masks drawn under each seed for k superpixels."""
        return whole_block(k) if isinstance(self.samples, str) else self.samples

    def segmenter_options(self) -> dict[str, Any]:
        """The segmenter's own options."""
        return own_options(self.segmenter)

    def override(self, changes: Mapping[str, Any]) -> "Recipe":
        """The recipe with some fields changed; `segmenter.n_segments` reaches into an object.

        Examples
        --------
        >>> Recipe("mine").override({"samples": 64, "segmenter.n_segments": 80}).segmenter["n_segments"]
        80
        >>> Recipe("mine").override({"stopping.top": 3}).stopping
        {'top': 3}
        """
        body = self.to_json()
        for path, value in changes.items():
            name, _, option = path.partition(".")
            if option and isinstance(body.get(name), dict):
                body[name][option] = value
            elif option and name in ("options", "stopping"):
                body[name] = {option: value}
            elif name in ("segmenter", "surrogate") and isinstance(value, str):
                body[name] = {"name": value}
            else:
                body[path] = value
        return type(self).from_json(body)

    def reseed(self, seed: int) -> "Recipe":
        """The recipe with as many seeds, starting at `seed` and ten apart as the seeds 1, 11, ... 81 are."""
        return replace(self, seeds=tuple(seed + 10 * i for i in range(len(self.seeds))))

    def _check_stopping(self) -> None:
        known = [one.name for one in fields(Stopping)]
        there = ", ".join(known)
        if not (self.stopping is None or isinstance(self.stopping, Mapping)):
            raise ValueError(f"recipe: stopping is {self.stopping!r}, expected null or an object of {there}")
        unknown = sorted(set(self.stopping or ()) - set(known))
        if unknown:
            raise ValueError(f"recipe: stopping has no {unknown[0]!r}{meant(unknown[0], known)}; there are {there}")
        try:
            self.rounds()
        except ValueError as error:
            raise ValueError(f"recipe: {error}") from None
