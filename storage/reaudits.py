"""Audits that start themselves: what they are to be, and how one begins."""

from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import Connection, Row, text

from pipeline import methods
from pipeline.recipe import Recipe
from storage import comparisons
from storage.planning import Wanted, plan
from storage.registry import Version, find, split_reference, version_before
from storage.title import NONE, Title


@dataclass(frozen=True, slots=True)
class Order:
    """What an audit that starts itself is to be."""

    recipe: Recipe
    selection: str = "all"
    compare: bool = True  # with the previous version's audit by the same recipe, when both have ended
    object_word: str = "object"  # what its sentences call the object
    title: Title = NONE
    keep: int | None = None  # days after its end, when it is deleted; None: for ever

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """The order in a row that has the recipe's body as `recipe`."""
        return cls(Recipe.from_json(row.recipe), row.selection, row.compare, row.object_word, Title.of(row), row.keep)


@dataclass(frozen=True, slots=True)
class Started:
    """An audit that has started itself, and the one it will be compared with."""

    audit: int
    model: str
    before: int | None


def attempt(c: Connection, version: Version, order: Order, whose: str) -> tuple[Started | None, str | None]:
    """Start an audit and plan its comparison, or say why that is refused; `whose` order it is."""
    try:
        with c.begin_nested():
            return begin(c, version, order, whose), None
    except ValueError as error:
        return None, str(error)


def begin(c: Connection, version: Version, order: Order, whose: str) -> Started:
    """Start an audit, and plan its comparison with the previous version's.

    That one's newest audit by the same recipe and of the same selection is taken; where there is none it is started
    too: what was explained before costs nothing.
    """
    title = order.title.by(whose)
    same = Wanted(order.recipe, order.selection, object_word=order.object_word, title=title, keep=order.keep)
    number = plan(c, version, same)
    previous = version_before(c, version) if order.compare else None
    if previous is None:
        return Started(number, str(version), None)
    wanted = {"model": previous.id, "recipe": order.recipe.digest, "selection": order.selection}
    before = c.scalar(text(_NEWEST_AUDIT), wanted) or plan(c, previous, same)
    comparisons.plan(c, before, number)
    return Started(number, str(version), before)


def check(c: Connection, reference: str, recipe: Recipe) -> None:
    """Refuse a recipe that does not fit the model of today. A name without any version yet passes."""
    name, number = split_reference(reference)
    if number is not None or c.scalar(text("SELECT EXISTS (SELECT FROM model WHERE name = :name)"), {"name": name}):
        version = find(c, reference)
        methods.check(recipe, version.labels)
        methods.check_inside(recipe, version.facts.get("inside"))


_NEWEST_AUDIT = """
SELECT max(id) FROM audit
WHERE model_id = :model AND recipe_digest = :recipe AND selection = :selection AND state <> 'cancelled'
"""
