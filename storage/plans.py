"""Plans: what an audit would come to, before it is started."""

from dataclasses import dataclass

from sqlalchemy import Engine, func, select

from pipeline.recipe import Recipe
from storage.archive import condition
from storage.planning import key_of
from storage.registry import Version
from storage.tables import explanation, image


@dataclass(frozen=True, slots=True)
class Selected:
    """The photographs of a selection, and how many of them the same model and recipe explained before."""

    photographs: int
    explained: int


def selected(engine: Engine, model: Version, recipe: Recipe, selection: str) -> Selected:
    """Count the photographs that an audit would have, and those that it would take over.

    Raises
    ------
    ValueError
        If there are none.
    """
    done = (explanation.c.key == key_of(model.digest, recipe.digest)) & (explanation.c.state == "done")
    query = select(func.count(image.c.id), func.count(explanation.c.id)).select_from(image.outerjoin(explanation, done))
    with engine.begin() as c:
        found = Selected(*c.execute(query.where(condition(selection))).one())
    if not found.photographs:
        raise ValueError(f"no photograph is selected by {selection!r}; `polelens images list` shows the names")
    return found
