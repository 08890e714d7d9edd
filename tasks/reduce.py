"""Reduce: hand the evidence to the explainer, which answers or asks again."""

from pipeline.answer.attribution import Attribution
from pipeline.conversation.explainer import Explainer
from pipeline.conversation.known import Known
from pipeline.conversation.probe import Evidence, Probe
from pipeline.document import heat_files
from pipeline.kept_scores import KeptScores
from pipeline.many_labels import shortened
from pipeline.model.model import Model
from pipeline.refit import refit
from pipeline.scene.scene import Scene
from storage import rejudging
from storage.blob_errors import damage
from storage.keys import explanation_key, scores_key
from storage.ledger import Job
from storage.settings import settings
from tasks import runtime
from tasks.app import app
from tasks.messages import publish
from tasks.parts import part_size
from tasks.steps import StepTask


@app.task(name="reduce", base=StepTask)
def reduce(explanation: int) -> None:
    """Proceed with an explanation whose round is complete: another probe, or attribution, heat maps and scores."""
    job = runtime.ledger().claim_reduction(explanation)
    if job is None:
        return
    model, scene = runtime.model(job.model), runtime.scene(job.scene or "")
    asking = runtime.explainer(job)
    step: Probe | Attribution
    if job.refit_of:
        step, evidence = _refitted(scene, asking, job.refit_of, model)
    else:
        evidence = _evidence(job, model)
        step = asking.proceed(scene, evidence)
    if isinstance(step, Probe):
        known = runtime.kept().known(job, scene)
        publish(runtime.ledger().open_round(job, job.scene or "", step, part_size(job), known))
        return
    _keep(job, model, evidence, step)
    publish(runtime.ledger().produce(settings().window))
    runtime.ledger().settle()


def _evidence(job: Job, model: Model) -> list[Evidence]:
    scores = runtime.ledger().scores(job, len(model.labels))
    return [Evidence(Probe.from_json(probe), answer) for probe, answer in zip(job.probes, scores, strict=True)]


def _refitted(scene: Scene, asking: Explainer, key: str, model: Model) -> tuple[Attribution, list[Evidence]]:
    """The answer from the scores that another explanation has kept, as far as they speak of its labels."""
    data = runtime.blobs().get(scores_key(key))
    with damage(scores_key(key)):
        kept = KeptScores.unpack(data)
    answer, evidence = refit(scene, asking, Known.of(kept.evidence))
    kept.refuse_unkept([label.label for label in answer.labels], model.labels)
    return answer, evidence


def _keep(job: Job, model: Model, evidence: list[Evidence], attribution: Attribution) -> None:
    """Blobs first: a row that says done has its scores. Pictures are drawn when somebody looks."""
    most = settings().kept_labels
    scores = KeptScores.of(evidence, attribution, model.labels, most).pack(len(model.labels))
    if job.answered:
        judged = rejudging.labels(runtime.ledger().engine, job, attribution)
        runtime.blobs().put(scores_key(job.key), scores)
        rejudging.finish(runtime.ledger().engine, job, judged)
        return
    for name, data in heat_files(attribution).items():
        runtime.blobs().put(explanation_key(job.key, name), data)
    runtime.blobs().put(scores_key(job.key), scores)
    runtime.ledger().finish(job, shortened(attribution, most))
