"""Audits: start, follow, cancel and resume them, and read what they found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, text

from pipeline.answer.attribution import Attribution, FillChoice, LabelAttribution
from pipeline.model.profile import Profile
from pipeline.recipe import Recipe
from storage import attributions
from storage import statements as sql
from storage.ledger import Ledger
from storage.planning import RETRY, Wanted, plan
from storage.registry import Version

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


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an audit is."""

    state: str
    photographs: int
    done: int
    failed: int
    in_flight: int
    evaluations: int  # answered so far, those of photographs still under way included
    paused_at: datetime | None = None  # since when it is paused, and why
    pause_reason: str | None = None
    not_rejudged: int = 0  # of those done: judging them anew failed, and they keep the judgement that they had
    evaluations_done: int = 0  # of those answered, the ones of photographs that are done

    @property
    def remaining(self) -> int:
        """Photographs neither done nor failed."""
        return self.photographs - self.done - self.failed


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
        object_word: str = "object",
    ) -> int:
        """Plan an audit and let it run; what was explained before is taken over, what failed before is tried again.

        Raises
        ------
        ValueError
            If the selection has no photograph, or the recipe does not fit the model.
        """
        with self.engine.begin() as c:
            number = plan(c, model, Wanted(recipe, selection, urgent, object_word))
        Ledger(self.engine).settle()  # all may have been explained before
        return number

    def refit(self, number: int, model: Version, recipe: Recipe) -> int:
        """Plan an audit of what another one has explained, and let it run: the scores kept there answer it.

        `model` is that audit's, and `recipe` wants the masks that its recipe wanted, see `pipeline.refit`. Raises
        ValueError if nothing is explained there, or the recipe does not fit the model.
        """
        with self.engine.begin() as c:
            one = self.get(number)
            refitted = plan(c, model, Wanted(recipe, one.selection, object_word=one.object_word, refit_of=number))
        Ledger(self.engine).settle()
        return refitted

    def get(self, number: int) -> Audit:
        """An audit by its number. Raises ValueError."""
        with self.engine.begin() as c:
            row = c.execute(text(_AUDIT + "WHERE a.id = :id"), {"id": number}).first()
        if row is None:
            raise ValueError(f"there is no audit {number}; `polelens audit list` shows those there are")
        return _audit(row)

    def all(self) -> Sequence[Audit]:
        """Every audit, the newest first."""
        with self.engine.begin() as c:
            return [_audit(row) for row in c.execute(text(_AUDIT + "ORDER BY a.id DESC"))]

    def progress(self, number: int) -> Progress:
        """How far an audit is."""
        with self.engine.begin() as c:
            return Progress(**c.execute(text(_PROGRESS), {"id": number}).one()._mapping)

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


def read(c: Connection, explanations: Sequence[int]) -> list[Explained]:
    """The explanations with these ids, in the order of the ids."""
    rows = c.execute(text(_EXPLAINED), {"ids": list(explanations)}).all()
    labels = attributions.read(c, explanations)
    return [_explained(row, labels.get(row.id, ())) for row in rows]


_AUDIT = """
SELECT a.id, m.name || '@' || m.version AS model, m.sha256 AS model_sha256, m.profile AS model_profile,
       m.facts AS model_facts, r.body AS recipe, a.selection, a.object_word, a.state, a.created_at, a.finished_at,
       a.rejudged_at
FROM audit a JOIN model m ON m.id = a.model_id JOIN recipe r ON r.digest = a.recipe_digest
"""

_PROGRESS = """
SELECT (SELECT state FROM audit WHERE id = :id) AS state,
       (SELECT paused_at FROM audit WHERE id = :id AND state = 'paused') AS paused_at,
       (SELECT pause_reason FROM audit WHERE id = :id AND state = 'paused') AS pause_reason,
       count(DISTINCT e.image_id) AS photographs,
       greatest(count(*) FILTER (WHERE e.state = 'done') - count(*) + count(DISTINCT e.image_id), 0) AS done,
       count(*) FILTER (WHERE e.state = 'failed') AS failed,
       count(*) FILTER (WHERE e.state = 'done' AND e.reason IS NOT NULL) AS not_rejudged,
       count(*) FILTER (WHERE e.state IN ('preparing', 'running', 'ready', 'reducing')) AS in_flight,
       coalesce(sum(e.evaluations), 0) AS evaluations_done, coalesce(sum(e.evaluations), 0) + (
           SELECT coalesce(sum(p.stop - p.start), 0) FROM part p
           JOIN audit_explanation pe ON pe.explanation_id = p.explanation_id
           WHERE pe.audit_id = :id AND p.seconds IS NOT NULL) AS evaluations
FROM audit_explanation ae JOIN explanation e ON e.id = ae.explanation_id WHERE ae.audit_id = :id
"""

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

_NOT_REJUDGED = """
SELECT i.name, e.reason FROM audit_explanation ae JOIN explanation e ON e.id = ae.explanation_id
JOIN image i ON i.id = e.image_id WHERE ae.audit_id = :id AND e.state = 'done' AND e.reason IS NOT NULL
ORDER BY e.id LIMIT :most
"""

_EXPLAINED = f"""
SELECT e.id, e.key, i.sha256 AS image, i.name AS image_name, i.width, i.height, i.label, e.mask_sha256 AS mask, e.scene,
       {sql.STATE} AS state, e.reason, e.probabilities, e.fill_probabilities, e.fill_choice, e.evaluations
FROM explanation e JOIN image i ON i.id = e.image_id WHERE e.id = ANY(:ids) ORDER BY e.id
"""  # noqa: S608  of constants alone


def _audit(row: Row[Any]) -> Audit:
    fields = dict(row._mapping)
    made = {"recipe": Recipe.from_json(fields["recipe"]), "model_profile": Profile.from_json(fields["model_profile"])}
    return Audit(**fields | made)


def _explained(row: Row[Any], labels: tuple[LabelAttribution, ...]) -> Explained:
    fields = dict(row._mapping)
    answers = {name: fields.pop(name) for name in ("probabilities", "fill_probabilities", "evaluations")}
    chosen = fields.pop("fill_choice")
    choice = None if chosen is None else FillChoice(**chosen)
    attribution = Attribution(**answers, labels=labels, fill_choice=choice) if labels else None
    return Explained(**fields, attribution=attribution)
