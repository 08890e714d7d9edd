"""What an audit wants, counted beforehand, and written down in one transaction."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Connection, Engine, Select, cast, column, func, null, select, table, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.elements import ColumnElement

from pipeline.methods import check
from pipeline.recipe import Recipe
from storage import tables
from storage.archive import condition
from storage.registry import Version

_CHOSEN = table("chosen", column("id"), column("key"), column("refit_of"))

_PLAN = """
INSERT INTO explanation (key, image_id, model_id, recipe_digest, refit_of)
SELECT chosen.key, chosen.id, :model_id, :recipe, refit_of FROM chosen ORDER BY chosen.id ON CONFLICT (key) DO NOTHING
"""

_JOIN = """
INSERT INTO audit_explanation (audit_id, explanation_id)
SELECT :audit, e.id FROM chosen JOIN explanation e ON e.key = chosen.key
"""

# What failed as a refit may be asked of the model, and the other way round.
_AIM = """
UPDATE explanation e SET refit_of = chosen.refit_of FROM chosen WHERE e.key = chosen.key AND e.state = 'failed'
"""

RETRY = """
UPDATE explanation e SET state = 'planned', reason = NULL, attempts = 0, probes = '[]', finished_at = NULL
FROM audit_explanation ae WHERE ae.audit_id = :id AND ae.explanation_id = e.id AND e.state = 'failed'
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an audit is to explain, and how: at once, perhaps, or from the scores that another audit has kept."""

    recipe: Recipe
    selection: str
    urgent: bool = False
    refit_of: int | None = None


def plan(c: Connection, model: Version, wanted: Wanted) -> int:
    """Write an audit down, and the explanations that it wants; see `Audits.start`. Whoever commits it also settles."""
    recipe, selection, refit_of = wanted.recipe, wanted.selection, wanted.refit_of
    check(recipe, model.labels)  # refuses what would fail in every photograph
    identity = {"model": model.digest, "recipe": keep_recipe(c, recipe), "model_id": model.id}
    audit = {"model_id": model.id, "recipe_digest": recipe.digest, "selection": selection, "urgent": wanted.urgent}
    number: int = c.execute(insert(tables.audit).values(audit).returning(tables.audit.c.id)).scalar_one()
    c.execute(text("CREATE TEMP TABLE chosen (id bigint PRIMARY KEY, key text, refit_of bigint) ON COMMIT DROP"))
    chosen = _chosen(key_of(model.digest, recipe.digest), selection, refit_of)
    c.execute(_CHOSEN.insert().from_select(["id", "key", "refit_of"], chosen))
    c.execute(text(_PLAN), identity)
    if c.execute(text(_JOIN), {"audit": number}).rowcount == 0:
        none = f"no photograph is selected by {selection!r}; `polelens images list` shows the names"
        raise ValueError(none if refit_of is None else f"audit {refit_of} has explained nothing yet")
    c.execute(text(_AIM))
    c.execute(text(RETRY), {"id": number})
    c.execute(text("DROP TABLE chosen"))  # of two audits in one transaction each has its own
    return number


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
    image, explanation = tables.image, tables.explanation
    done = (explanation.c.key == key_of(model.digest, recipe.digest)) & (explanation.c.state == "done")
    query = select(func.count(image.c.id), func.count(explanation.c.id)).select_from(image.outerjoin(explanation, done))
    with engine.begin() as c:
        found = Selected(*c.execute(query.where(condition(selection))).one())
    if not found.photographs:
        raise ValueError(f"no photograph is selected by {selection!r}; `polelens images list` shows the names")
    return found


def keep_recipe(c: Connection, recipe: Recipe) -> str:
    """Write a recipe down; its digest."""
    body = {"digest": recipe.digest, "name": recipe.name, "body": recipe.to_json()}
    c.execute(insert(tables.recipe).values(body).on_conflict_do_nothing())
    return recipe.digest


def _chosen(key: ColumnElement[str], selection: str, refit_of: int | None) -> Select[Any]:
    """The photographs of a selection, or those that an audit has explained; the key of each, and what it refits."""
    image, explanation, member = tables.image, tables.explanation, tables.audit_explanation
    if refit_of is None:
        return select(image.c.id, key, cast(null(), BigInteger)).where(condition(selection))
    whole = image.join(explanation, explanation.c.image_id == image.c.id).join(member)
    explained = (member.c.audit_id == refit_of, explanation.c.state == "done")
    return select(image.c.id, key, explanation.c.id).select_from(whole).where(*explained)


def key_of(model: str, recipe: str) -> ColumnElement[str]:
    """What names an explanation: the photograph's, the model's and the recipe's digest, digested."""
    content = func.convert_to(tables.image.c.sha256 + model + recipe, "UTF8")
    return func.encode(func.sha256(content), "hex")
