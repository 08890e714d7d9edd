"""Anchors: a few superpixels that, kept, keep the answer whatever else is hidden.

Ribeiro, Singh and Guestrin, "Anchors: high-precision model-agnostic explanations", AAAI 2018. The precision of a set is
the chance that the answer is kept when its superpixels are on and each other one is on with probability 1/2, showing
the recipe's fill else. That of the rule given is at least the threshold, with a chance of at least 1 - delta.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import nan

import numpy as np

from pipeline.answer.attribution import Attribution, Claim, LabelAttribution
from pipeline.answer.rule import ANCHOR, EMPTY, NONE, UNDECIDED, Rule
from pipeline.conversation.probe import Draw, Evidence, Masks, Probe, Scores
from pipeline.methods.anchor_options import OPENING, Options
from pipeline.methods.anchor_rows import Criterion, Set, pooled
from pipeline.methods.anchor_strategies import STRATEGIES
from pipeline.methods.anchor_trial import Trial
from pipeline.methods.anchor_trials import Ask, Trials
from pipeline.methods.asked import BASE_ROWS, base, chosen, named
from pipeline.methods.method import Method
from pipeline.recipe import Recipe
from pipeline.scene.scene import Scene

LAW = "bernoulli"  # the design of the rows that prove something: independent coin flips

SENTENCES = {
    NONE: "No few parts of the picture keep the answer by themselves: there is no rule to rely on.",
    UNDECIDED: "No rule was proved with the evaluations there were: the parts shown are the best guess.",
}

OPENS = Ask((), OPENING)  # a first look at the rule that keeps nothing
Rows = Iterator[tuple[Masks, Scores]]


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """One label's search: when its answer is kept, and how far the search has come."""

    criterion: Criterion
    possible: bool  # whether the photograph itself keeps the answer
    ordering: tuple[Ask, ...]  # what puts the superpixels in order
    trials: Trials

    def asks(self, round_: int) -> Sequence[Ask]:
        """What to look at in this round; nothing at the end of the search, of the rounds, and of the budget."""
        options, asks = self.trials.options, self.wanted() if self.possible else ()
        spent = self.trials.spent + sum(ask.n for ask in asks)
        return asks if round_ < options.rounds and BASE_ROWS + spent <= options.budget else ()

    def wanted(self) -> Sequence[Ask]:
        """What would be looked at next: while keeping nothing may do, that; then all, to put them in order; then what
        the strategy wants."""
        if self.trials.order:
            return STRATEGIES[self.trials.options.strategy](self.trials)
        if self.trials.proved:
            return ()
        return self.ordering if self.trials.hopeless(()) else self.trials.looks_at([()])

    def told(self, asks: Sequence[Ask], rows: Rows) -> "Search":
        """The search with the answers to what it asked, a block of rows each."""
        found = [self.criterion.seen(*next(rows)) for _ in asks]
        if asks is self.ordering:
            return replace(self, trials=self.trials.ordered(pooled(found)))
        trials = self.trials
        for ask, seen in zip(asks, found, strict=True):
            trials = trials.after(ask, seen)
        return replace(self, trials=trials)

    def found(self) -> tuple[str, Trial | None]:
        """The outcome, and the candidate that it is about."""
        if self.trials.proved:
            best = self.trials.proved[0]
            return (ANCHOR if best.on else EMPTY), best
        if not self.possible or self.trials.disproved:
            return NONE, None
        return UNDECIDED, max(self.trials.tried, key=lambda one: (one.successes / one.n, one.place))


@dataclass(frozen=True, slots=True)
class Anchors:
    """Anchors after a recipe, for a model with these labels."""

    recipe: Recipe
    labels: tuple[str, ...]

    @property
    def options(self) -> Options:
        """The recipe's own."""
        return Options(**self.recipe.options)

    def open(self, scene: Scene) -> Probe:
        """The whole photograph, the bare fill, and a first look at the rule that keeps nothing."""
        return Probe(scene.k, (base(scene.k), *self._draws(scene, 0, [OPENS])))

    def proceed(self, scene: Scene, evidence: Sequence[Evidence]) -> Probe | Attribution:
        """The next looks of each label's search, while it has any; then the rules."""
        whole, bare = evidence[0].scores[:BASE_ROWS]
        columns, round_ = chosen(self.recipe, self.labels, whole), len(evidence)
        searches = self._searches(scene, columns, evidence)
        asks = [ask for search in searches for ask in search.asks(round_)]
        if asks:
            return Probe(scene.k, self._draws(scene, round_, asks))
        return Attribution(
            probabilities=named(self.labels, whole),
            fill_probabilities=named(self.labels, bare),
            evaluations=sum(one.probe.n for one in evidence),
            labels=tuple(self._explained(scene, search) for search in searches),
        )

    def _searches(self, scene: Scene, columns: Sequence[int], evidence: Sequence[Evidence]) -> list[Search]:
        """Each label's search, gone through again from its first row: nothing else is kept between calls."""
        first = evidence[0]
        searches = [self._begun(column, scene, first) for column in columns]
        for round_, one in enumerate(evidence[1:], start=1):
            rows = iter(_blocks(one, scene.k))
            searches = [search.told(search.asks(round_), rows) for search in searches]
        return searches

    def _begun(self, column: int, scene: Scene, first: Evidence) -> Search:
        (masks, scores), bare = _blocks(first, scene.k)
        criterion = Criterion(self.options, column, float(scores[0, column]))
        trials = Trials(self.options, scene.k)
        possible = bool(criterion.seen(masks, scores).kept[0])
        ordering = tuple(Ask((), self.recipe.drawn(scene.k), proves=False, seed=seed) for seed in self.recipe.seeds)
        return Search(criterion, possible, ordering, trials.after(OPENS, criterion.seen(*bare)))

    def _draws(self, scene: Scene, round_: int, asks: Sequence[Ask]) -> tuple[Draw, ...]:
        """The rows of each: fresh ones are others for each photograph, round and place, and the same for ever."""
        key = self.recipe.seeds[0], scene.fingerprint, round_
        fresh = np.random.SeedSequence(key).generate_state(len(asks)).tolist()
        return tuple(
            Draw(LAW, seed, ask.n, on=ask.on) if ask.seed is None else Draw(self.recipe.design, ask.seed, ask.n)
            for seed, ask in zip(fresh, asks, strict=True)
        )

    def _explained(self, scene: Scene, search: Search) -> LabelAttribution:
        """The rule; a superpixel weighs 1 if it belongs to it, else 0, for a rule says no more of them."""
        outcome, trial = search.found()
        on: Set = ()
        share, (low, high) = nan, (nan, nan)
        if trial:
            on, share, (low, high) = trial.on, trial.successes / trial.n, trial.bounds(self.options)
        area = float(np.isin(scene.segments, on).mean())
        claim = Claim("rule.low", low, self.options.threshold, SENTENCES.get(outcome, ""))
        return LabelAttribution(
            label=self.labels[search.criterion.column],
            weights=np.isin(np.arange(scene.k), on).astype(float),
            rule=Rule(on, share, low, high, outcome, area),
            claims=(claim,),
        )


def _blocks(one: Evidence, k: int) -> list[tuple[Masks, Scores]]:
    """Masks and scores of a probe, block by block."""
    return [(block.masks(k), scores) for block, scores in zip(one.probe.blocks, one.blocks(), strict=True)]


def planned(recipe: Recipe) -> int:
    """The budget: what is spent at most."""
    return Options(**recipe.options).budget


METHOD = Method(Anchors, planned, frozenset({"design", "samples", "seeds"}), Options, once=False)
