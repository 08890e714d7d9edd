"""The comparer: two audits that have ended, photograph by photograph, and what that comes to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from pipeline.change.alignment import Seen
from pipeline.change.comparison import Change, compare
from pipeline.change.criteria import FALSE_ALARMS
from pipeline.change.outcome import Outcome, Tally
from pipeline.change.permutation import discoveries
from pipeline.model.profile import Profile
from storage.audits import Audits, Explained
from storage.blobs import Blobs
from storage.comparisons import Comparison, Comparisons, Pair
from storage.registry import Registry
from storage.scenes import read_scene


@dataclass(frozen=True, slots=True)
class Comparer:
    """What a comparison is made with."""

    comparisons: Comparisons
    registry: Registry
    blobs: Blobs

    def pages(self, one: Comparison) -> Iterator[int]:
        """Compare what is not compared yet, page by page; how many photographs each had."""
        before, after = (Audits(self.comparisons.engine).get(number) for number in (one.before, one.after))
        seeds = before.recipe.seeds, after.recipe.seeds
        made = partial(_change, seeds=seeds, one_recipe=one.terms.one_recipe)
        profiles = self.registry.find(before.model).profile, self.registry.find(after.model).profile
        for pairs in self.comparisons.pairs(one.id):
            changes = [(pair.image, made(pair, self._seen(pair, profiles))) for pair in pairs]
            self.comparisons.keep(one.id, changes)
            yield len(pairs)

    def model(self, number: int) -> str:
        """The digest of the later model of a comparison, whose blob the store must have."""
        return self.registry.find(Audits(self.comparisons.engine).get(self.comparisons.get(number).after).model).digest

    def conclude(self, one: Comparison) -> Outcome:
        """Judge all photographs together, and write down what the comparison comes to."""
        believed = discoveries(self.comparisons.p_values(one.id), FALSE_ALARMS)
        tally = Tally(believed, self.comparisons.least_distance, one.terms)
        for photograph in self.comparisons.compared(one.id):
            tally.add(photograph.change, photograph.label)
        outcome = tally.outcome(*one.names)
        self.comparisons.finish(one.id, outcome)
        return outcome

    def _seen(self, pair: Pair, profiles: tuple[Profile, Profile]) -> tuple[Seen, Seen] | None:
        """What each model saw, if their superpixels are not the same."""
        if pair.before.scene == pair.after.scene:
            return None
        first, second = (self._view(row, one) for row, one in zip((pair.before, pair.after), profiles, strict=True))
        same = np.array_equal(first.segments, second.segments) and first.placement == second.placement
        return None if same else (first, second)  # a mask that came between two audits makes another scene

    def _view(self, row: Explained, profile: Profile) -> Seen:
        scene = read_scene(self.blobs, row.scene or "")
        return Seen(scene.segments, profile.placement(row.width, row.height), row.width, row.height)


def _change(
    pair: Pair, seen: tuple[Seen, Seen] | None, *, seeds: tuple[Sequence[int], Sequence[int]], one_recipe: bool
) -> Change:
    before, after = pair.before.attribution, pair.after.attribution
    if before is None or after is None:
        raise ValueError(f"{pair.before.image_name} is explained and has no attribution")
    return compare(before, after, seeds, seen, one_recipe=one_recipe)
