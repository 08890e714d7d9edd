"""Reduce: hand the evidence to the explainer, which answers or asks again."""

from pipeline.answer.attribution import Attribution
from pipeline.conversation.known import Known
from pipeline.conversation.probe import Evidence, Probe, pack_evidence, unpack_evidence
from pipeline.document import heat_files
from pipeline.methods.chosen_fill import filled
from pipeline.model.model import Model
from pipeline.pictures import Backdrop, palette
from pipeline.pictures.rendering import Style, rendered
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
    """Proceed with an explanation whose round is complete: another probe, or attribution, pictures and scores."""
    job = runtime.ledger().claim_reduction(explanation)
    if job is None:
        return
    model, scene = runtime.model(job.model), runtime.scene(job.scene or "")
    asking = runtime.explainer(job)
    step: Probe | Attribution
    if job.refit_of:
        step, evidence = refit(scene, asking, Known.of(_kept_evidence(scores_key(job.refit_of))))
    else:
        evidence = _evidence(job, model)
        step = asking.proceed(scene, evidence)
    if isinstance(step, Probe):
        known = runtime.kept().known(job, scene)
        publish(runtime.ledger().open_round(job, job.scene or "", step, part_size(job.model), known))
        return
    _keep(job, scene, evidence, step)
    publish(runtime.ledger().produce(settings().window))
    runtime.ledger().settle()


def _evidence(job: Job, model: Model) -> list[Evidence]:
    scores = runtime.ledger().scores(job, len(model.labels))
    return [Evidence(Probe.from_json(probe), answer) for probe, answer in zip(job.probes, scores, strict=True)]


def _kept_evidence(key: str) -> list[Evidence]:
    data = runtime.blobs().get(key)
    with damage(key):
        return unpack_evidence(data)


def _keep(job: Job, scene: Scene, evidence: list[Evidence], attribution: Attribution) -> None:
    """Blobs first: a row that says done has its pictures. Those of an answer that is judged anew are there."""
    if job.answered:
        judged = rejudging.labels(runtime.ledger().engine, job, attribution)
        runtime.blobs().put(scores_key(job.key), pack_evidence(evidence))
        rejudging.finish(runtime.ledger().engine, job, judged)
        return
    profile = runtime.model(job.model).profile
    photograph = runtime.archive().photograph(job.image, profile.transparent)
    backdrop = Backdrop(photograph, profile.placement(photograph.shape[1], photograph.shape[0]), scene.segments)
    shown = filled(scene, attribution.fill_choice).fill
    files = rendered(backdrop, shown, attribution, job.recipe["seeds"], Style(palette(settings().palette)))
    for name, data in files.items():
        runtime.blobs().put(explanation_key(job.key, name), data, "image/png")
    for name, data in heat_files(attribution).items():
        runtime.blobs().put(explanation_key(job.key, name), data)
    runtime.blobs().put(scores_key(job.key), pack_evidence(evidence))
    runtime.ledger().finish(job, attribution)
