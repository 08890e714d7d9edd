"""Policies: what to do when a version of a model is registered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row, text

from pipeline.text import meant, resolved
from storage.ledger import Ledger
from storage.planning import keep_recipe
from storage.reaudits import Order, Started, attempt, check
from storage.registry import canonical, registered_after, split_reference


@dataclass(frozen=True, slots=True)
class Policy:
    """What to do when a version of a model is registered, and what came of it the last time."""

    model: str
    order: Order
    audit: int | None
    problem: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies of a database."""

    engine: Engine

    def set(self, model: str, order: Order) -> None:
        """From now on explain each new version of a model; the versions there are count as seen.

        Raises
        ------
        ValueError
            If the name is none, or the recipe does not fit the newest version.
        """
        name, number = split_reference(model)
        if number is not None:
            raise ValueError(f"policy: {model} is one version; a policy is for a name, like {name}")
        with self.engine.begin() as c:
            name = canonical(c, name)
            check(c, name, order.recipe)
            digest = keep_recipe(c, order.recipe)
            values = {"model": name, "recipe": digest, "selection": order.selection, "compare": order.compare}
            values |= {"object_word": order.object_word, "keep": order.keep, **order.title.ordered()}
            c.execute(text(_SET), values)

    def all(self) -> Sequence[Policy]:
        """Every policy, by the models' names."""
        with self.engine.begin() as c:
            return [_policy(row) for row in c.execute(text(_POLICIES))]

    def get(self, model: str) -> Policy:
        """The policy of a model, whose name's case does not matter. Raises ValueError if it has none."""
        found = {one.model: one for one in self.all()}
        name = resolved(model, found)
        if name is None:
            raise ValueError(f"{model} has no policy{meant(model, found)}; `polelens policy set {model}` makes one")
        return found[name]

    def remove(self, model: str) -> str:
        """Forget a policy; audits that it started go on. Its model's name. Raises ValueError if there is none."""
        name = self.get(model).model
        with self.engine.begin() as c:
            c.execute(text("DELETE FROM policy WHERE model = :model"), {"model": name})
        return name

    def answer(self) -> list[Started]:
        """Start the audit of every version registered since its policy last looked: once, whoever asks and how often.

        What cannot be started is written down with the policy and not tried again.
        """
        started = []
        with self.engine.begin() as c:
            for row in c.execute(text(_UNANSWERED)).all():
                for version in registered_after(c, row.model, row.handled):
                    found, problem = attempt(c, version, Order.of(row), f"policy {row.model}")
                    started += [found] if found else []
                    told = {"model": row.model, "audit": found and found.audit, "problem": problem}
                    c.execute(text(_ANSWERED), told | {"handled": version.id})
        if started:
            Ledger(self.engine).settle()  # all may have been explained before
        return started


def _policy(row: Row[Any]) -> Policy:
    return Policy(row.model, Order.of(row), row.audit_id, row.problem, row.created_at)


_POLICIES = """
SELECT p.*, r.body AS recipe FROM policy p JOIN recipe r ON r.digest = p.recipe_digest ORDER BY p.model
"""

_SET = """
INSERT INTO policy (model, recipe_digest, selection, object_word, name, note, tags, keep, compare, handled)
VALUES (:model, :recipe, :selection, :object_word, :name, :note, :tags, :keep, :compare,
        (SELECT coalesce(max(id), 0) FROM model WHERE name = :model))
ON CONFLICT (model) DO UPDATE SET recipe_digest = excluded.recipe_digest, selection = excluded.selection,
    object_word = excluded.object_word, name = excluded.name, note = excluded.note, tags = excluded.tags,
    keep = excluded.keep,
    compare = excluded.compare, handled = excluded.handled, audit_id = NULL, problem = NULL, created_at = now()
"""

# Another who answers the same policy waits here, and then finds it answered.
_UNANSWERED = """
SELECT p.*, r.body AS recipe FROM policy p JOIN recipe r ON r.digest = p.recipe_digest
WHERE EXISTS (SELECT FROM model m WHERE m.name = p.model AND m.id > p.handled) ORDER BY p.model FOR UPDATE OF p
"""

_ANSWERED = """
UPDATE policy SET handled = :handled, audit_id = coalesce(:audit, audit_id), problem = :problem WHERE model = :model
"""
