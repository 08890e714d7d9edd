"""deploy/helm/polelens as Helm renders it, with no cluster."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import helm_python
import yaml

FOLDER = Path(__file__).resolve().parent.parent / "deploy/helm/polelens"
Manifest = Mapping[str, Any]


def manifests(**values: object) -> list[Manifest]:
    """Everything that the chart would put into a cluster as the release `demo`, with these values."""
    with helm_python.Chart.load(FOLDER) as chart:
        rendered = chart.render(values, name="demo", namespace="prod")
    files = [text for name, text in rendered.items() if name.endswith(".yaml")]
    return [one for text in files for one in yaml.safe_load_all(text) if one]


def of_kind(found: list[Manifest], kind: str) -> dict[str, Manifest]:
    """The manifests of a kind, by their names."""
    return {one["metadata"]["name"]: one for one in found if one["kind"] == kind}


def pods(found: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """The name of each Deployment and Job, and the specification of its pods."""
    for one in found:
        if one["kind"] in ("Deployment", "Job"):
            yield one["metadata"]["name"], one["spec"]["template"]["spec"]
