"""Documents: audits and what they found, and models, as JSON; of one photograph as `polelens explain` writes it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.document import ImageFacts, ModelFacts, document, heat_files
from pipeline.pictures.rendering import Drawing, rendered
from storage.audits import Audit, Explained
from storage.progress import Progress
from storage.registry import Version


def explanation_document(audit: Audit, row: Explained) -> Mapping[str, Any]:
    """An explanation as `polelens explain` writes it into attribution.json, with its name; or why it failed."""
    image = ImageFacts(row.image, row.width, row.height)
    if row.attribution is None:
        return {"name": row.image_name, "image": {"sha256": row.image}, "state": row.state, "reason": row.reason}
    name, _, version = audit.model.rpartition("@")
    facts = ModelFacts.of((name, int(version)), audit.model_sha256, audit.model_profile, audit.model_facts)
    return {"name": row.image_name, **document(image, facts, audit.recipe, row.attribution), **_known(row)}


def save(folder: Path, audit: Audit, row: Explained, drawing: Drawing) -> list[Path]:
    """Write an explanation into a folder, as `polelens explain` does: its pictures, heat maps and attribution.json."""
    told = json.dumps(explanation_document(audit, row), indent=1, allow_nan=False) + "\n"
    files = {**rendered(drawing), **heat_files(drawing.attribution), "attribution.json": told.encode()}
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in files]


def _known(row: Explained) -> dict[str, Any]:
    """What the archive knows of the photograph, where it knows it: its label; and why it was not judged anew."""
    known = {"label": row.label, "not_rejudged": row.reason if row.state == "done" else None}
    return {name: value for name, value in known.items() if value is not None}


def summary(audit: Audit, progress: Progress) -> dict[str, Any]:
    """An audit as JSON."""
    return {
        "audit": audit.id,
        "name": audit.title.name,
        "note": audit.title.note,
        "tags": list(audit.title.tags),
        "started_by": audit.title.started_by,
        "model": audit.model,
        "recipe": audit.recipe.to_json() | {"digest": audit.recipe.digest},
        "images": audit.selection,
        "refit_of": audit.refit_of,
        "object": audit.object_word,
        "state": progress.state,
        "photographs": progress.photographs,
        "done": progress.done,
        "failed": progress.failed,
        "not_rejudged": progress.not_rejudged,
        "evaluations": progress.evaluations,
        "paused_at": progress.paused_at,
        "pause_reason": progress.pause_reason,
        "created_at": audit.created_at,
        "finished_at": audit.finished_at,
        "keep_days": audit.keep,
        "seconds": seconds(audit),
    }


def seconds(audit: Audit) -> float | None:
    """How long an audit took, waiting and pauses counted; None while it goes on."""
    return (audit.finished_at - audit.created_at).total_seconds() if audit.finished_at else None


def version_document(version: Version) -> dict[str, Any]:
    """A version of a model as JSON."""
    return {
        "name": version.name,
        "version": version.version,
        "sha256": version.sha256,
        "digest": version.digest,
        "labels": list(version.labels),
        "profile": version.profile.to_json(),
        "facts": version.facts,
    }
