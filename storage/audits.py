"""Audits: start, follow, cancel and resume them, and read what they found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, text

from pipeline.answer.attribution import Attribution, FillChoice, LabelAttribution
from pipeline.model.profile import Profile
from pipeline.recipe import Recipe
from storage import attributions
from storage import statements as sql
from storage.database import analyse_members
from storage.ledger import Ledger
from storage.planning import RETRY, Wanted, plan
from storage.progress import Progress, large, progress_of
from storage.registry import Version
from storage.title import NONE, Title

PAGE = 200


@dataclass(frozen=True, slots=True)
class Audit:
    """One model x one recipe x a selection of photographs."""

    id: int
    model: str  # name@version
    model_sha256: str
    model_profile: Profile
    model_facts: dict[str, Any]
    recipe: Recipe
    selection: str
    object_word: str  # what its sentences call the object
    state: str
    created_at: datetime
    finished_at: datetime | None
    rejudged_at: datetime | None = None  # the last time that answers of it were judged anew
    keep: int | None = None  # days after its end, when it is deleted; None: for ever
    refit_of: int | None = None
    title: Title = NONE


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """A photograph's explanation under an audit: its state, and the attribution once it is done."""

    id: int
    key: str
    image: str
    image_name: str
    width: int
    height: int
    label: str | None
    mask: str | None
    scene: str | None
    state: str
    reason: str | None
    attribution: Attribution | None
    label_known: bool = True  # whether the model has the label that a person gave it


@dataclass(frozen=True, slots=True)
class Audits:
    """The audits of a database."""

    engine: Engine

    def start(
        self,
        model: Version,
        recipe: Recipe,
        selection: str = "all",
        *,
        urgent: bool = False,
    ) -> int:
        """Plan an audit and let it run; what was explained before is taken over, what failed before is tried again.

        Raises
        ------
        ValueError
            If the selection has no photograph, or the recipe does not fit the model.
        """
        return self.begin(model, Wanted(recipe, selection, urgent))

    def begin(self, model: Version, wanted: Wanted) -> int:
        """The same with all that can be said of an audit."""
        with self.engine.begin() as c:
            number = plan(c, model, wanted)
            many = bool(large(c, [number]))
        if many:
            analyse_members(self.engine)
        Ledger(self.engine).settle()  # all may have been explained before
        return number

    def refit(self, number: int, model: Version, recipe: Recipe, title: Title = NONE) -> int:
        """Plan an audit of what another one has explained, and let it run: the scores kept there answer it.

        `model` is that audit's, and `recipe` wants the masks that its recipe wanted, see `pipeline.refit`. Raises
        ValueError if nothing is explained there, or the recipe does not fit the model.
        """
        one = self.get(number)
        same = Wanted(recipe, one.selection, object_word=one.object_word, refit_of=number, title=title, keep=one.keep)
        return self.begin(model, same)

    def retitle(self, number: int, title: Title) -> None:
        """Call an audit something else; who started it stays. Raises ValueError if there is none."""
        self.get(number)
        with self.engine.begin() as c:
            c.execute(text(_RETITLE), {"id": number} | title.ordered())

    def get(self, number: int) -> Audit:
        """An audit by its number. Raises ValueError."""
        with self.engine.begin() as c:
            row = c.execute(text(AUDIT + "WHERE a.id = :id"), {"id": number}).first()
        if row is None:
            raise ValueError(f"there is no audit {number}; `polelens audit list` shows those there are")
        return audit_of(row)

    def all(self) -> Sequence[Audit]:
        """Every audit, the newest first."""
        with self.engine.begin() as c:
            return [audit_of(row) for row in c.execute(text(AUDIT + "ORDER BY a.id DESC"))]

    def progress(self, number: int) -> Progress:
        """How far an audit is."""
        with self.engine.begin() as c:
            return progress_of(c, number)

    def cancel(self, number: int) -> None:
        """Stop an audit: nothing of it is started any more, what is done stays. Raises ValueError if it has ended."""
        with self.engine.begin() as c:
            changed = c.execute(text(sql.CANCEL), {"id": number})
        if changed.rowcount == 0:
            raise ValueError(f"audit {number} is {self.get(number).state}, only one that goes on can be cancelled")

    def resume(self, number: int) -> None:
        """Let a cancelled or paused audit go on where it was, or try again what failed in one that has ended."""
        self.get(number)
        with self.engine.begin() as c:
            c.execute(text("UPDATE audit SET state = 'running', finished_at = NULL WHERE id = :id"), {"id": number})
            c.execute(text(RETRY), {"id": number})
            c.execute(text(sql.LAPSE), {"audits": [number]})
        Ledger(self.engine).settle()

    def explained(self, number: int, states: Sequence[str] = ("done",)) -> Iterator[Explained]:
        """The explanations of an audit in these states, page by page in the order of the photographs."""
        after = 0
        while True:
            values = {"id": number, "after": after, "states": list(states), "page": PAGE}
            with self.engine.begin() as c:
                found = read(c, c.scalars(text(_PAGE), values).all())
            yield from found
            if len(found) < PAGE:
                return
            after = found[-1].id

    def not_rejudged(self, number: int, most: int) -> list[tuple[str, str]]:
        """The names of photographs that keep an earlier judgement, as they could not be judged anew, and why."""
        with self.engine.begin() as c:
            return [(row.name, row.reason) for row in c.execute(text(_NOT_REJUDGED), {"id": number, "most": most})]

    def of(self, number: int, image: str, most: int = 6) -> list[Explained]:
        """What an audit has done or failed of the photographs with this name, or whose SHA-256 begins so."""
        with self.engine.begin() as c:
            return read(c, c.scalars(text(_OF), {"id": number, "image": image, "most": most}).all())

    def of_image(self, number: int, sha256: str) -> list[Explained]:
        """What an audit has done or failed of one photograph: two answers while it is judged anew by another mask."""
        with self.engine.begin() as c:
            return read(c, c.scalars(text(_OF_IMAGE), {"id": number, "image": sha256}).all())

    def keyed(self, keys: Sequence[str]) -> dict[str, Explained]:
        """The explanations of these keys, whichever audits they are of."""
        with self.engine.begin() as c:
            ids = c.scalars(text("SELECT id FROM explanation WHERE key = ANY(:keys)"), {"keys": list(keys)}).all()
            return {one.key: one for one in read(c, ids)}


def read(c: Connection, explanations: Sequence[int]) -> list[Explained]:
    """The explanations with these ids, in the order of the ids."""
    rows = c.execute(text(_EXPLAINED), {"ids": list(explanations)}).all()
    labels = attributions.read(c, explanations)
    return [_explained(row, labels.get(row.id, ())) for row in rows]


AUDIT = """
SELECT a.id, m.name || '@' || m.version AS model, m.sha256 AS model_sha256, m.profile AS model_profile,
       m.facts AS model_facts, r.body AS recipe, a.selection, a.object_word, a.state, a.created_at, a.finished_at,
       a.rejudged_at, a.keep, a.refit_of, a.name, a.note, a.tags, a.started_by
FROM audit a JOIN model m ON m.id = a.model_id JOIN recipe r ON r.digest = a.recipe_digest
"""

_RETITLE = "UPDATE audit SET name = :name, note = :note, tags = :tags WHERE id = :id"

_PAGE = f"""
SELECT e.id FROM audit_explanation ae JOIN explanation e ON e.id = ae.explanation_id
WHERE ae.audit_id = :id AND ae.explanation_id > :after AND e.id > :after AND {sql.STATE} = ANY(:states)
ORDER BY e.id LIMIT :page
"""  # noqa: S608  of constants alone

_OF = f"""
SELECT e.id FROM image i JOIN explanation e ON e.image_id = i.id JOIN audit_explanation ae ON ae.explanation_id = e.id
WHERE ae.audit_id = :id AND {sql.STATE} IN ('done', 'failed') AND (i.name = :image OR EXISTS (
    SELECT FROM image_name n WHERE n.image_id = i.id AND n.name = :image) OR (
    :image <> '' AND i.sha256 >= :image AND i.sha256 < :image || 'g' AND starts_with(i.sha256, :image)))
ORDER BY e.id LIMIT :most
"""  # noqa: S608  of constants alone

_OF_IMAGE = f"""
SELECT e.id FROM image i JOIN explanation e ON e.image_id = i.id JOIN audit_explanation ae ON ae.explanation_id = e.id
WHERE i.sha256 = :image AND ae.audit_id = :id AND {sql.STATE} IN ('done', 'failed') ORDER BY e.id
"""  # noqa: S608  of constants alone

_NOT_REJUDGED = """
SELECT i.name, e.reason FROM audit_explanation ae JOIN explanation e ON e.id = ae.explanation_id
JOIN image i ON i.id = e.image_id WHERE ae.audit_id = :id AND e.state = 'done' AND e.reason IS NOT NULL
ORDER BY e.id LIMIT :most
"""

_EXPLAINED = f"""
SELECT e.id, e.key, i.sha256 AS image, i.name AS image_name, i.width, i.height, i.label, e.mask_sha256 AS mask, e.scene,
       {sql.STATE} AS state, e.reason, e.probabilities, e.fill_probabilities, e.fill_choice, e.inside, e.evaluations,
       jsonb_array_length(m.labels) AS labels, coalesce(jsonb_exists(m.labels, i.label), false) AS label_known
FROM explanation e JOIN image i ON i.id = e.image_id JOIN model m ON m.id = e.model_id
WHERE e.id = ANY(:ids) ORDER BY e.id
"""  # noqa: S608  of constants alone


def audit_of(row: Row[Any]) -> Audit:
    """The audit in a row of `AUDIT`."""
    plain = {one.name: getattr(row, one.name) for one in fields(Audit) if one.name != "title"}
    made = {"recipe": Recipe.from_json(row.recipe), "model_profile": Profile.from_json(row.model_profile)}
    return Audit(**plain | made, title=Title.of(row))


def _explained(row: Row[Any], labels: tuple[LabelAttribution, ...]) -> Explained:
    told = dict(row._mapping)
    answers = {name: told.pop(name) for name in ("probabilities", "fill_probabilities", "evaluations", "inside")}
    chosen, all_labels = told.pop("fill_choice"), told.pop("labels")
    choice = None if chosen is None else FillChoice(**chosen)
    unlisted = max(all_labels - len(answers["probabilities"] or ()), 0)
    attribution = Attribution(**answers, labels=labels, fill_choice=choice, unlisted=unlisted) if labels else None
    return Explained(**told, attribution=attribution)
