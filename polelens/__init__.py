"""What does a black-box image classifier look at, and how far can each explanation be trusted?"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.recipe import Recipe
    from pipeline.recipes import recipe
    from polelens.explanation import Explanation
    from polelens.notebook import explain, side_by_side
    from polelens.sides import SideBySide

    __version__: str

__all__ = ["Explanation", "Recipe", "SideBySide", "__version__", "explain", "recipe", "side_by_side"]
_MODULES = {
    "Explanation": "polelens.explanation",
    "Recipe": "pipeline.recipe",
    "explain": "polelens.notebook",
    "recipe": "pipeline.recipes",
    "SideBySide": "polelens.sides",
    "side_by_side": "polelens.notebook",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: `polelens --help` must not wait for SciPy and ONNX Runtime."""
    if name == "__version__":
        return version("polelens")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
