"""The mask is part of what an explanation is of: it is written beside it, and one that comes later makes another."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

# Only a judged answer depends on the mask. What is not made yet is made with the photograph's own, and what is made was
# made with it if its scene says so: the digest of a scene has the mask in it. A mask that has been replaced since then
# cannot be told from none; either way it is not the present one.
FILL = """
UPDATE explanation e SET mask_sha256 = i.mask_sha256 FROM image i
WHERE i.id = e.image_id AND i.mask_sha256 IS NOT NULL AND e.model_id = :model AND e.recipe_digest = :recipe
  AND (e.state IN ('planned', 'preparing', 'failed')
       OR e.scene = encode(sha256(convert_to(
           replace(replace(:scene, '$image', i.sha256), '$mask', i.mask_sha256), 'UTF8')), 'hex'))
"""

JUDGED = """
SELECT m.id AS model, r.digest AS recipe, m.profile, r.body FROM model m CROSS JOIN recipe r
WHERE (r.body ->> 'judge')::boolean IS NOT false
  AND EXISTS (SELECT FROM explanation e WHERE e.model_id = m.id AND e.recipe_digest = r.digest)
"""

# A process of the version before, which plans audits while the others are upgraded, knows nothing of the column.
PLANNED_BEFORE = """
CREATE FUNCTION explanation_mask() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE explanation e SET mask_sha256 = i.mask_sha256 FROM planned p, image i, recipe r
    WHERE e.id = p.id AND p.mask_sha256 IS NULL AND i.id = p.image_id AND i.mask_sha256 IS NOT NULL
      AND r.digest = p.recipe_digest AND (r.body ->> 'judge')::boolean IS NOT false;
    RETURN NULL;
END $$
"""

TRIGGER = """
CREATE TRIGGER explanation_mask AFTER INSERT ON explanation REFERENCING NEW TABLE AS planned
FOR EACH STATEMENT EXECUTE FUNCTION explanation_mask()
"""


def upgrade() -> None:
    op.add_column("explanation", sa.Column("mask_sha256", sa.Text(), nullable=True))
    connection = op.get_bind()
    for row in connection.execute(sa.text(JUDGED)).all():
        values = {"model": row.model, "recipe": row.recipe, "scene": _scene(row.profile, row.body)}
        connection.execute(sa.text(FILL), values)
    op.execute(PLANNED_BEFORE)
    op.execute(TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER explanation_mask ON explanation")
    op.execute("DROP FUNCTION explanation_mask")
    op.drop_column("explanation", "mask_sha256")


def _scene(profile: dict[str, Any], recipe: dict[str, Any]) -> str:
    """What is digested to name a scene, as it was at this revision, for any photograph and mask."""
    geometry = {key: profile[key] for key in ("size", "crop", "resize") if key in profile}
    body = {"image": "$image", "mask": "$mask", "geometry": geometry}
    return json.dumps(body | {"segmenter": recipe["segmenter"], "fill": recipe["fill"]}, sort_keys=True)
