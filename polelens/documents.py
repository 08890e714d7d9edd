"""Documents: what an audit found, as `polelens explain` writes it of one photograph."""

from collections.abc import Mapping
from typing import Any

from pipeline.document import ImageFacts, ModelFacts, document
from storage.audits import Audit, Explained


def explanation_document(audit: Audit, row: Explained) -> Mapping[str, Any]:
    """An explanation as `polelens explain` writes it into attribution.json, with its name; or why it failed."""
    image = ImageFacts(row.image, row.width, row.height)
    if row.attribution is None:
        return {"name": row.image_name, "image": {"sha256": row.image}, "state": row.state, "reason": row.reason}
    name, _, version = audit.model.rpartition("@")
    facts = ModelFacts.of((name, int(version)), audit.model_sha256, audit.model_profile, audit.model_facts)
    return {"name": row.image_name, **document(image, facts, audit.recipe, row.attribution), **_known(row)}


def _known(row: Explained) -> dict[str, Any]:
    """What the archive knows of the photograph, where it knows it: its label; and why it was not judged anew."""
    known = {"label": row.label, "not_rejudged": row.reason if row.state == "done" else None}
    return {name: value for name, value in known.items() if value is not None}
