"""What a method does not have is absent: errors, fit and stability; and rules and claims have a place."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"

OPTIONAL = ("std_error", "weights_by_seed", "intercept", "fidelity", "stability")


def upgrade() -> None:
    for name in OPTIONAL:
        op.alter_column("attribution", name, nullable=True)
    for name in ("rule", "claims"):
        op.add_column("attribution", sa.Column(name, JSONB(), nullable=True))


def downgrade() -> None:
    # What only the new version can say goes with it: it is computed again when it is wanted.
    op.execute(
        "UPDATE explanation e SET state = 'failed', reason = 'its answer has a shape that this version cannot keep' "
        "WHERE EXISTS (SELECT FROM attribution t WHERE t.explanation_id = e.id AND t.stability IS NULL)"
    )
    op.execute("DELETE FROM attribution WHERE stability IS NULL OR std_error IS NULL OR fidelity IS NULL")
    for name in ("rule", "claims"):
        op.drop_column("attribution", name)
    for name in OPTIONAL:
        op.alter_column("attribution", name, nullable=False)
