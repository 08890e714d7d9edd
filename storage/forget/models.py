"""Removing a version of a model: its audits, its explanations and its file, but for what others share."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from storage.blobs import Blobs
from storage.forget.audits import GOES_ON, AuditRemoval
from storage.forget.explanations import NEEDED, PAGE, Explanations, Going
from storage.forget.losses import Losses
from storage.forget.trail import Act
from storage.forget.unreferenced import MODELS, Sweeper, stored
from storage.keys import model_key
from storage.locks import removing
from storage.registry import Version


@dataclass(frozen=True, slots=True)
class ModelRemoval:
    """Removes one version of a model.

    The same file under another name is another model, which keeps the file and the explanations that its audits share.
    Audits go one after another, each whole; killed in between, the version is there with the rest.
    """

    engine: Engine
    blobs: Blobs
    version: Version

    def losses(self) -> Losses:
        """What would go. Raises ValueError if an audit of it goes on, or a schedule is for this version."""
        values = {"model": self.version.id}
        with self.engine.begin() as c:
            self._refuse(c)
            losses = Going(_GOING, values).weigh(c, self.blobs)
            losses.add("models", 1)
            losses.add("audits", c.execute(text(_COUNT_AUDITS), values).scalar_one())
            losses.add("comparisons", c.execute(text(_COMPARED), values).scalar_one())
            alone = not c.scalar(text(_SIBLING), values)
        for one in stored(self.blobs, [model_key(self.version.digest)] if alone else []):
            losses.add(MODELS.name, 1, one.bytes)
        return losses

    def is_newest(self) -> bool:
        """Whether the next version that is registered gets its number again."""
        with self.engine.begin() as c:
            return not c.scalar(text(_NEWER), {"name": self.version.name, "version": self.version.version})

    def carry_out(self, act: Act) -> Losses:
        """Remove it. Raises ValueError as above."""
        explanations, losses = Explanations(Sweeper(self.engine, self.blobs, act)), Losses()
        with self.engine.begin() as c:
            self._refuse(c)
            audits = c.scalars(text(_AUDITS), {"model": self.version.id}).all()
        for number in audits:
            losses.update(AuditRemoval(self.engine, self.blobs, number).carry_out(act))
        for page in self._left():
            losses.update(explanations.drop(page))
        with removing(self.engine) as c:
            c.execute(text(_HAND_OVER), {"model": self.version.id})
            c.execute(text(_UNWATCH), {"outcome": str(self.version), "name": self.version.name})
            now = Losses()
            now.add("models", c.execute(text(_REMOVE), {"model": self.version.id}).rowcount)
            act.note(c, now)
        losses.update(now)
        losses.update(explanations.sweeper.remove_below(MODELS, [model_key(self.version.digest)]))
        return losses

    def _refuse(self, c: Connection) -> None:
        """Raise ValueError for what goes on with this version."""
        values = {"model": self.version.id, "states": list(GOES_ON)}
        if on := c.execute(text(_GOING_ON), values).first():
            raise ValueError(f"audit {on.id} of {self.version} is {on.state}; `polelens audit cancel {on.id}` stops it")
        if (schedule := c.scalar(text(_SCHEDULE), {"reference": str(self.version)})) is not None:
            raise ValueError(
                f"schedule {schedule} explains {self.version}; `polelens schedule remove {schedule}` ends that"
            )

    def _left(self) -> Iterator[list[int]]:
        """The explanations of this model that are left when its audits are gone, page by page."""
        after = 0
        while True:
            with self.engine.begin() as c:
                values = {"model": self.version.id, "after": after, "page": PAGE}
                page = list(c.scalars(text(_LEFT), values))
            if not page:
                return
            yield page
            after = page[-1]


_GOING = f"""e.model_id = :model AND NOT {NEEDED} AND NOT EXISTS (
    SELECT FROM audit_explanation ae JOIN audit a ON a.id = ae.audit_id
    WHERE ae.explanation_id = e.id AND a.model_id <> :model)"""

_AUDITS = "SELECT id FROM audit WHERE model_id = :model ORDER BY id"

_COUNT_AUDITS = "SELECT count(*) FROM audit WHERE model_id = :model"

_COMPARED = """
SELECT count(*) FROM comparison c WHERE EXISTS (
    SELECT FROM audit a WHERE a.id IN (c.before_id, c.after_id) AND a.model_id = :model)
"""

_GOING_ON = "SELECT id, state FROM audit WHERE model_id = :model AND state = ANY(:states) ORDER BY id LIMIT 1"

_SCHEDULE = "SELECT min(id) FROM schedule WHERE model = :reference"

_LEFT = "SELECT id FROM explanation WHERE model_id = :model AND id > :after ORDER BY id LIMIT :page"

# Another model with the same file, labels and profile, which has the same explanations.
_SIBLING = """
SELECT min(o.id) FROM model o JOIN model m ON m.digest = o.digest AND m.id <> o.id WHERE m.id = :model
"""

_HAND_OVER = f"UPDATE explanation SET model_id = ({_SIBLING}) WHERE model_id = :model"  # noqa: S608

_REMOVE = "DELETE FROM model WHERE id = :model"

_NEWER = "SELECT EXISTS (SELECT FROM model WHERE name = :name AND version > :version)"

# The file was seen, so that it is not registered again; what it became is not told any more.
_UNWATCH = """
UPDATE watched_file SET outcome = 'removed', registered = false WHERE model = :name AND outcome = :outcome
"""
