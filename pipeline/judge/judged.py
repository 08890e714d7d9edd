"""Judged: another explainer's answer, put to the test by one further probe that holds all its examinations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Protocol

from pipeline.answer.attribution import Attribution, LabelAttribution
from pipeline.answer.judgement import Judgement, Thresholds
from pipeline.conversation.explainer import Explainer
from pipeline.conversation.probe import Block, Evidence, Probe, Scores
from pipeline.judge.verdict import Findings, basis, confident_fill, soundness
from pipeline.scene.scene import Scene

PURPOSE = "judge"


class Examination(Protocol):
    """One of the tests that a judged answer is put to; they all go into one probe."""

    def blocks(self, scene: Scene, attribution: Attribution) -> list[Block]:
        """The masks to show."""
        ...

    def findings(self, scene: Scene, attribution: Attribution, scores: Sequence[Scores]) -> list[Mapping[str, Any]]:
        """For each label explained, fields of its `Judgement`, from the scores of each block, float32 [n, c]."""
        ...


@dataclass(frozen=True, slots=True)
class Judged:
    """The same conversation as the inner explainer's, and one round more."""

    inner: Explainer
    examinations: tuple[Examination, ...]
    thresholds: Thresholds = field(default_factory=Thresholds)

    def open(self, scene: Scene) -> Probe:
        """The inner explainer's first probe."""
        return self.inner.open(scene)

    def proceed(self, scene: Scene, evidence: Sequence[Evidence]) -> Probe | Attribution:
        """The inner explainer's next step, until it has answered; then the test; then the judged answer."""
        step = self.inner.proceed(scene, [one for one in evidence if one.probe.purpose != PURPOSE])
        if isinstance(step, Probe):
            return step
        test = self._test(scene, step)
        answers = (one for one in evidence if one.probe.purpose == PURPOSE and _alike(one.probe, test))
        answer = next(answers, None)
        return test if answer is None else self._judged(scene, step, answer)

    def _test(self, scene: Scene, attribution: Attribution) -> Probe:
        blocks = [block for one in self.examinations for block in one.blocks(scene, attribution)]
        return Probe(scene.k, tuple(blocks), PURPOSE)

    def _judged(self, scene: Scene, attribution: Attribution, answers: Evidence) -> Attribution:
        found: list[dict[str, Any]] = [{} for _ in attribution.labels]
        scores = iter(answers.blocks())
        for one in self.examinations:
            its_own = list(islice(scores, len(one.blocks(scene, attribution))))
            for mine, more in zip(found, one.findings(scene, attribution, its_own), strict=True):
                mine.update(more)
        labels = [self._with(attribution, label, mine) for label, mine in zip(attribution.labels, found, strict=True)]
        return replace(attribution, labels=tuple(labels), evaluations=attribution.evaluations + answers.probe.n)

    def _with(self, attribution: Attribution, label: LabelAttribution, found: dict[str, Any]) -> LabelAttribution:
        tested: dict[str, Any] = {name: found[name] for name in ("gap", "curves", "neighbourhood")}
        own = (label.claims, label.agreement)
        findings = Findings(len(label.weights), found.pop("fill"), *own, **tested, rule=label.rule)
        sound = soundness(findings, self.thresholds)
        found |= {"soundness": sound, "basis": basis(found["grounding"], sound, self.thresholds)}
        sure = confident_fill(attribution.fill_probabilities, self.thresholds)
        return replace(label, judgement=Judgement(**found, thresholds=self.thresholds, confident_fill=sure))


def _alike(asked: Probe, test: Probe) -> bool:
    """Whether a probe is this test: an earlier version of the code may have asked for another before it was replaced.

    By its blocks, and not by the masks in them: another machine may have rounded weights that are alike otherwise.
    """
    shapes = ([(block.n, block.k, block.variant) for block in probe.blocks] for probe in (asked, test))
    return next(shapes) == next(shapes)
