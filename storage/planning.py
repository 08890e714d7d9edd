"""What an audit wants, counted beforehand, and written down in one transaction."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Select,
    Text,
    cast,
    column,
    exists,
    func,
    null,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import Subquery

from pipeline.methods import check, check_inside
from pipeline.recipe import Recipe
from storage import tables
from storage.archive import condition
from storage.locks import want
from storage.registry import Version
from storage.title import NONE, Title

_CHOSEN = table("chosen", column("id"), column("key"), column("mask"), column("refit_of"))

_CHOOSE = """
CREATE TEMP TABLE chosen (id bigint PRIMARY KEY, key text, mask text, refit_of bigint) ON COMMIT DROP
"""

_PLAN = """
INSERT INTO explanation (key, image_id, model_id, recipe_digest, mask_sha256, refit_of)
SELECT key, id, :model_id, :recipe, mask, refit_of FROM chosen ORDER BY id ON CONFLICT (key) DO NOTHING
"""

_REPLACE = """
DELETE FROM audit_explanation old USING explanation b, explanation e, audit_explanation mine
WHERE old.audit_id = :audit AND b.id = old.explanation_id AND mine.audit_id = :audit AND e.id = mine.explanation_id
  AND e.image_id = b.image_id AND e.id <> b.id AND e.state = 'done'
  AND e.mask_sha256 IS NOT DISTINCT FROM (SELECT i.mask_sha256 FROM image i WHERE i.id = e.image_id)
"""

_JOIN = """
INSERT INTO audit_explanation (audit_id, explanation_id)
SELECT :audit, e.id FROM chosen JOIN explanation e ON e.key = chosen.key ON CONFLICT DO NOTHING
"""

# What failed is tried again; what failed as a refit may be asked of the model, and the other way round.
_AIM = """
UPDATE explanation e SET refit_of = chosen.refit_of, state = 'planned', reason = NULL, attempts = 0, probes = '[]',
       finished_at = NULL
FROM chosen WHERE e.key = chosen.key AND e.state = 'failed'
"""

RETRY = """
UPDATE explanation e SET state = 'planned', reason = NULL, attempts = 0, probes = '[]', finished_at = NULL
FROM audit_explanation ae WHERE ae.audit_id = :id AND ae.explanation_id = e.id AND e.state = 'failed'
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an audit is to explain, and how: at once, perhaps, or from the scores that another audit has kept.

    `masked_anew` is an audit whose photographs are wanted that it has explained by another mask than they have now.
    """

    recipe: Recipe
    selection: str
    urgent: bool = False
    object_word: str = "object"
    refit_of: int | None = None
    title: Title = NONE
    masked_anew: int | None = None
    keep: int | None = None  # days after the audit's end, when it is deleted; None: for ever


def plan(c: Connection, model: Version, wanted: Wanted) -> int:
    """Write an audit down, and the explanations that it wants; see `Audits.start`. Whoever commits it also settles."""
    want(c)
    recipe, selection, refit_of = wanted.recipe, wanted.selection, wanted.refit_of
    check(recipe, model.labels)  # refuses what would fail in every photograph
    check_inside(recipe, model.facts.get("inside"))
    if _choose(c, model, wanted) == 0:  # before the audit has a number, which no refusal gives back
        none = f"no photograph is selected by {selection!r}; `polelens images list` shows the names"
        raise ValueError(none if refit_of is None else f"audit {refit_of} has explained nothing yet")
    keep_recipe(c, recipe)
    audit = {"model_id": model.id, "recipe_digest": recipe.digest, "selection": selection, "urgent": wanted.urgent}
    audit |= {"object_word": wanted.object_word, "refit_of": refit_of, "keep": wanted.keep}
    audit |= wanted.title.columns()
    number: int = c.execute(insert(tables.audit).values(audit).returning(tables.audit.c.id)).scalar_one()
    _join(c, number, model, recipe)
    return number


def mask_anew(c: Connection, number: int, model: Version, recipe: Recipe) -> None:
    """Let an audit want, beside what it has, the explanations of its photographs whose mask is another one by now.

    Where there is such an answer already it takes the place of the one before.
    """
    want(c)
    _choose(c, model, Wanted(recipe, "all", masked_anew=number))
    _join(c, number, model, recipe)
    c.execute(text(_REPLACE), {"audit": number})


def _choose(c: Connection, model: Version, wanted: Wanted) -> int:
    """Set the explanations that are wanted aside, for `_join`; how many they are."""
    c.execute(text("DROP TABLE IF EXISTS pg_temp.chosen"))  # of two audits in one transaction each has its own
    c.execute(text(_CHOOSE))
    c.execute(_CHOSEN.insert().from_select(list(_CHOSEN.c.keys()), _chosen(model, wanted)))
    return c.scalar(select(func.count()).select_from(_CHOSEN)) or 0


def _join(c: Connection, number: int, model: Version, recipe: Recipe) -> None:
    """Write down what was set aside, as an audit's. What failed is tried again."""
    c.execute(text(_PLAN), {"recipe": recipe.digest, "model_id": model.id})
    c.execute(text(_JOIN), {"audit": number})
    c.execute(text(_AIM))


@dataclass(frozen=True, slots=True)
class Selected:
    """The photographs of a selection, and how many of them the same model and recipe explained before.

    `explained` with the mask that they have now, `outdated` only with another one or none; of these an earlier version
    judged `rejudged`, by tests that serve no more.
    """

    photographs: int
    explained: int
    outdated: int = 0
    rejudged: int = 0


def selected(engine: Engine, model: Version, recipe: Recipe, selection: str) -> Selected:
    """Count the photographs that an audit would have, those that it would take over, and those whose mask is new.

    Raises
    ------
    ValueError
        If there are none.
    """
    image, explanation = _wanted(Wanted(recipe, selection)), tables.explanation
    done = (explanation.c.image_id == image.c.id) & _same(model, recipe) & (explanation.c.state == "done")
    mask = explanation.c.mask_sha256.is_not_distinct_from(image.c.mask)
    before, now = func.count(explanation.c.id) > 0, func.count(explanation.c.id).filter(mask) > 0
    label = tables.attribution
    judged = exists().where(label.c.explanation_id == explanation.c.id, label.c.verdict.is_not(None))
    old = func.count(explanation.c.id).filter(~judged) == 0
    each = select(now.label("now"), before.label("before"), old.label("old"))
    one = each.select_from(image.outerjoin(explanation, done)).group_by(image.c.id).subquery()
    again = one.c.before & ~one.c.now
    counts = (func.count().filter(which) for which in (one.c.now, again, again & one.c.old))
    query = select(func.count(), *counts)
    with engine.begin() as c:
        row: Any = c.execute(query.select_from(one)).one()
    found = Selected(*row)
    if not found.photographs:
        raise ValueError(f"no photograph is selected by {selection!r}; `polelens images list` shows the names")
    return found


def keep_recipe(c: Connection, recipe: Recipe) -> str:
    """Write a recipe down; its digest."""
    body = {"digest": recipe.digest, "name": recipe.name, "body": recipe.to_json()}
    c.execute(insert(tables.recipe).values(body).on_conflict_do_nothing())
    return recipe.digest


def _chosen(model: Version, wanted: Wanted) -> Select[Any]:
    """For each photograph the key of its explanation: that of the one there is, or a new one; its mask, what it refits.

    What was explained before masks were part of the key is found by what it was made with, and keeps its key.
    """
    image, explanation = _wanted(wanted), tables.explanation
    mask = explanation.c.mask_sha256.is_not_distinct_from(image.c.mask)
    found = select(explanation.c.key).where(explanation.c.image_id == image.c.id, mask, _same(model, wanted.recipe))
    one = found.order_by(explanation.c.state != "done", explanation.c.id).limit(1).scalar_subquery()
    key = func.coalesce(one, _key(image, model, wanted.recipe))
    return select(image.c.id, key, image.c.mask, image.c.refit_of)


def _wanted(wanted: Wanted) -> Subquery:
    """The photographs of a selection, or those that an audit has explained; the mask of each, and what it refits.

    Only a judged answer depends on the mask; any other is the same with and without.
    """
    image, explanation, member = tables.image, tables.explanation, tables.audit_explanation
    refit = wanted.refit_of is not None
    mask = (explanation if refit else image).c.mask_sha256 if wanted.recipe.judge else cast(null(), Text)
    refit_of = explanation.c.id if refit else cast(null(), BigInteger)
    query = select(image.c.id, image.c.sha256, mask.label("mask"), refit_of.label("refit_of"))
    whole = image.join(explanation, explanation.c.image_id == image.c.id).join(member)
    if wanted.masked_anew is not None:
        other = explanation.c.mask_sha256.is_distinct_from(image.c.mask_sha256)
        had = (member.c.audit_id == wanted.masked_anew, explanation.c.state == "done", other)
        return query.select_from(whole).where(*had).subquery("wanted")
    if not refit:
        return query.where(condition(wanted.selection)).subquery("wanted")
    explained = (member.c.audit_id == wanted.refit_of, explanation.c.state == "done")
    return query.select_from(whole).where(*explained).subquery("wanted")


def _same(model: Version, recipe: Recipe) -> ColumnElement[bool]:
    """The explanations by the same recipe under the same black box, whatever its name."""
    explanation, models = tables.explanation, tables.model
    alike = select(models.c.id).where(models.c.digest == model.digest)
    return (explanation.c.recipe_digest == recipe.digest) & explanation.c.model_id.in_(alike)


def _key(image: Subquery, model: Version, recipe: Recipe) -> ColumnElement[str]:
    """What names a new explanation: the digests of photograph, model, recipe and mask, if there is one, digested."""
    content = image.c.sha256 + model.digest + recipe.digest + func.coalesce(image.c.mask, "")
    return func.encode(func.sha256(func.convert_to(content, "UTF8")), "hex")
