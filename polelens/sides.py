"""Side by side: one photograph under several recipes, and which of the explanations to believe."""

import io
import json
import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from pipeline.answer.judgement import Thresholds
from pipeline.answer.nulls import to_null
from pipeline.conversation.known import NOTHING, Known, evaluations
from pipeline.conversation.probe import Evidence
from pipeline.explain import converse
from pipeline.judge.stability import rerun
from pipeline.methods import check, explainer, looked_into, method
from pipeline.pictures import GREEN_RED, Cell, png, several
from pipeline.pictures.rendering import Style
from pipeline.recipe import Recipe
from pipeline.scene.scene import Scene
from pipeline.side_by_side import Compared, compared
from polelens.card import picture
from polelens.explanation import Explanation
from polelens.predictor import Predictor
from polelens.subject import Subject

PLAIN = Style(GREEN_RED)


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """An explanation, how many evaluations it took that no recipe before it had asked for, and seconds."""

    explanation: Explanation
    asked: int
    seconds: float

    @property
    def name(self) -> str:
        """The recipe's."""
        return self.explanation.recipe.name

    def rerun(self, label: str) -> float:
        """The rank agreement to expect of another run with other seeds: 1 where nothing is drawn, NaN if not known."""
        if "seeds" not in method(self.explanation.recipe).uses:
            return 1.0
        [mine] = [one for one in self.explanation.attribution.labels if one.label == label]
        return rerun(mine.agreement.spearman, mine.agreement.seeds)


@dataclass(frozen=True, eq=False, repr=False)
class SideBySide:
    """Several explanations of one photograph; in a notebook it shows itself."""

    sides: tuple[Side, ...]
    labels: tuple[Compared, ...]
    style: Style

    @property
    def names(self) -> list[str]:
        """The recipes'."""
        return [side.name for side in self.sides]

    @property
    def sentences(self) -> list[str]:
        """Which is best supported, a sentence for each label."""
        return [f"{one.label}: {one.sentence(self.names)}" for one in self.labels]

    def rows(self, label: Compared) -> list[dict[str, Any]]:
        """The figures of a label, a row a recipe; `shared` are the evaluations that a recipe before it had asked for.

        Deletion, insertion and MuFidelity are all on the first recipe's superpixels and fill.
        """
        found = zip(self.sides, label.curves, label.standing.mu_fidelity, label.object_share, strict=True)
        return [
            {
                "recipe": side.name,
                "evaluations": side.explanation.attribution.evaluations,
                "shared": side.explanation.attribution.evaluations - side.asked,
                "seconds": side.seconds,
                "deletion": curves.deletion,
                "insertion": curves.insertion,
                "mu_fidelity": float(mu),
                "object_share": float(share),
            }
            for side, curves, mu, share in found
        ]

    def pairs(self, label: Compared) -> list[dict[str, Any]]:
        """How far each pair agrees on a label: rank correlation of the weights, and overlap of the five strongest.

        `seeds_allow` is the rank correlation to expect of two that would say the same but for their seeds: Spearman's
        correction for attenuation (American Journal of Psychology 15, 1904). NaN where a seed has no second.
        """
        steady = [side.rerun(label.label) for side in self.sides]
        return [
            {
                "first": self.names[a],
                "second": self.names[b],
                "spearman": float(label.standing.rank_agreement[a, b]),
                "seeds_allow": math.sqrt(steady[a] * steady[b]),
                "top5_jaccard": float(label.standing.top5_jaccard[a, b]),
            }
            for a in range(len(self.sides))
            for b in range(a + 1, len(self.sides))
        ]

    @cached_property
    def pictures(self) -> Mapping[str, bytes]:
        """`side-by-side.png` of the first label, `side-by-side-2.png` of the next, as PNG files."""
        files = {}
        for place, one in enumerate(self.labels, start=1):
            cells = [self._cell(side, one, number) for number, side in enumerate(self.sides)]
            sheet = several(self.sides[0].explanation.backdrop, cells, self.style.palette)
            files[f"side-by-side{'' if place == 1 else f'-{place}'}.png"] = png(sheet)
        return files

    def plot(self) -> PIL.Image.Image:
        """The first label's picture."""
        return PIL.Image.open(io.BytesIO(self.pictures["side-by-side.png"]))

    def document(self) -> Mapping[str, Any]:
        """What `side-by-side.json` holds."""
        told = {
            one.label: {
                "recipes": self.rows(one),
                "agreement": self.pairs(one),
                "agreement_chance": one.standing.chance,
                "best": None if one.standing.best is None else self.names[one.standing.best],
                "tied": [self.names[number] for number in one.standing.tied],
                "at_odds": [[self.names[a], self.names[b]] for a, b in one.standing.at_odds],
                "sentence": one.sentence(self.names),
            }
            for one in self.labels
        }
        return {"labels": to_null(told)}

    def save(self, folder: str | Path) -> None:
        """Write the pictures and `side-by-side.json` into a folder, and each explanation into one named after its
        recipe, its letters, digits and dashes alone: whatever it is called, it stays in there."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for side in self.sides:
            side.explanation.save(folder / re.sub(r"[^\w-]", "_", side.name))
        for name, data in self.pictures.items():
            (folder / name).write_bytes(data)
        (folder / "side-by-side.json").write_text(json.dumps(self.document(), indent=1, allow_nan=False) + "\n")

    def _cell(self, side: Side, label: Compared, number: int) -> Cell:
        mu = label.standing.mu_fidelity[number]
        [mine] = [one for one in side.explanation.attribution.labels if one.label == label.label]
        known = mine.rule.outcome if mine.rule else "" if np.isnan(mu) else f"MuFidelity {mu:.2f}"
        asked = f"{side.explanation.attribution.evaluations:,} evaluations"
        drawn = replace(mine, weights=np.asarray(self.style.drawn(mine.weights), float))
        return Cell(side.name, ", ".join(filter(None, (asked, known))), drawn, side.explanation.scene.segments)

    def _repr_html_(self) -> str:
        told = "".join(f"<p>{escape(sentence)}</p>" for sentence in self.sentences)
        shown = picture(self.pictures["side-by-side.png"], f"One photograph explained by {', '.join(self.names)}.")
        return f'<div style="background:#fff;color:#16191d;padding:0.5em">{told}{shown}</div>'

    def __repr__(self) -> str:
        return f"<SideBySide: {' '.join(self.sentences)}>"


def beside(
    subject: Subject,
    predictor: Predictor,
    recipes: Sequence[Recipe],
    thresholds: Thresholds | None = None,
    style: Style = PLAIN,
) -> SideBySide:
    """Explain a photograph by several recipes, and put all to the same tests.

    What one recipe has asked of the same superpixels and fill is not asked again.

    Raises
    ------
    ValueError
        If there are fewer than two recipes, two of one name, no label that all of them explain, or the model lacks what
        one of them asks for.
    """
    names = [one.name for one in recipes]
    if len(recipes) < 2 or len(set(names)) < len(names):
        told = f"recipes are {', '.join(names)}; side by side are two or more, each once"
        raise ValueError(f"{told}; two settings of one go by two names")
    for one in recipes:
        check(one, predictor.labels)
    talkers = [explainer(looked_into(one, predictor.inside), predictor.labels, thresholds) for one in recipes]
    heard, sides = Heard([]), list[Side]()
    for recipe, talker in zip(recipes, talkers, strict=True):
        started = time.perf_counter()
        scene, known = heard.of(subject.scene(recipe))
        attribution, evidence = converse(scene, talker, predictor.scores, known, predictor.read)
        asked = heard.add(scene, evidence)
        explanation = Explanation.of(subject, predictor, (recipe, scene, attribution), style)
        sides.append(Side(explanation, asked, time.perf_counter() - started))
    answered = [(side.explanation.scene, side.explanation.attribution) for side in sides]
    _, known = heard.of(answered[0][0])
    found = compared(answered, predictor.labels, predictor.scores, known)
    if not found:
        raise ValueError(f"{', '.join(names)} explain no label in common; give them the same `labels`")
    return SideBySide(tuple(sides), tuple(found), style)


@dataclass(frozen=True, slots=True)
class Heard:
    """What the model has said of each scene of a photograph."""

    scenes: list[tuple[Scene, Known]]

    def of(self, scene: Scene) -> tuple[Scene, Known]:
        """The scene as it was first made, which is what a model keeps in mind, and what was said of it."""
        same = (one for one in self.scenes if _alike(one[0], scene))
        return next(same, (scene, NOTHING))

    def add(self, scene: Scene, evidence: Sequence[Evidence]) -> int:
        """Keep what was said now; how much of it is new."""
        _, known = self.of(scene)
        more = Known.of(evidence).rows
        self.scenes[:] = [one for one in self.scenes if one[0] is not scene]
        self.scenes.append((scene, Known({**known.rows, **more})))
        return sum(map(evaluations, more.keys() - known.rows.keys()))


def _alike(one: Scene, other: Scene) -> bool:
    return np.array_equal(one.segments, other.segments) and np.array_equal(one.fill, other.fill)
