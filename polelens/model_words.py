"""Words for what a model's inside can be asked."""

from collections.abc import Mapping
from typing import Any


def inside_sentence(facts: Mapping[str, Any]) -> str:
    """Which maps there are, and whether gradients and relevance are to be had, or why not."""
    exact = ", where cam is exact" if facts["exact_cam"] else ""
    maps = f"maps of {facts['layer']}{exact}" if facts["layer"] else "no layer with a height and a width to map"
    told = [maps, facts["no_gradient"] or "gradients"]
    if "no_relevance" in facts:  # a model that an earlier version registered was not tried
        told.append(facts["no_relevance"] or "relevance")
    return "; ".join(dict.fromkeys(told))


def inside_word(facts: Mapping[str, Any] | None) -> str:
    """What a model's inside can be asked, in a word or two, for a table."""
    if facts is None:
        return "not tried"
    maps = "cam" if facts["exact_cam"] else "maps" if facts["layer"] else ""
    gradients = "" if facts["no_gradient"] else "gradients"
    relevance = "" if facts.get("no_relevance", "not tried") else "relevance"
    return ", ".join(filter(None, (maps, gradients, relevance))) or "scores alone"
