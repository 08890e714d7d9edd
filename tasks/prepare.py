"""Prepare: decode a photograph, make its scene, and open the conversation with the model."""

from contextlib import suppress

from pipeline.recipe import Recipe
from pipeline.scene.scene import Scene
from pipeline.staging import pack, scene_digest, stage
from storage.blob_errors import BlobDamaged
from storage.keys import scene_key
from storage.ledger import Job
from storage.settings import settings
from tasks import runtime
from tasks.app import app
from tasks.memory import reading
from tasks.messages import publish
from tasks.parts import part_size
from tasks.steps import StepTask


@app.task(name="prepare", base=StepTask)
def prepare(explanation: int) -> None:
    """Put the scene of an explanation into the blobs and its first probe into the ledger."""
    job = runtime.ledger().begin(explanation)
    if job is None:
        return
    if job.refit_of:
        publish(runtime.ledger().take_over(job))
        return
    digest, scene = _staged(job)
    probe, known = runtime.explainer(job).open(scene), runtime.kept().known(job, scene)
    publish(runtime.ledger().open_round(job, digest, probe, part_size(job), known))


def _staged(job: Job) -> tuple[str, Scene]:
    """The scene's digest and the scene: of an answer that is judged anew, the one that it was given for."""
    if job.answered and job.scene:
        return job.scene, runtime.scene(job.scene)
    recipe = Recipe.from_json(job.recipe)
    digest = scene_digest(job.image, runtime.model(job.model).profile, recipe, job.mask)
    if digest != job.scene:
        runtime.ledger().show(job, digest)
    return digest, _scene(job, digest, recipe)


def _scene(job: Job, digest: str, recipe: Recipe) -> Scene:
    """The scene, made if no model or recipe has needed it before, or if the store has damaged it."""
    key = scene_key(digest)
    if runtime.blobs().exists(key):
        with suppress(BlobDamaged):
            return runtime.scene(digest)
    archive, profile = runtime.archive(), runtime.model(job.model).profile
    with reading(archive.pixels(job.image), settings().photograph_gigabytes):
        mask = archive.mask(job.mask) if job.mask else None
        scene = stage(archive.photograph(job.image, profile.transparent), profile, recipe, mask)
    runtime.blobs().put(key, pack(scene))
    return scene
