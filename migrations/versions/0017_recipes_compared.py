"""A change has both models' or recipes' deletion and insertion, and says whether it was made on the grid."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

CURVES = ("deletion_before", "deletion_after", "insertion_before", "insertion_after")


def upgrade() -> None:
    for name in CURVES:
        op.add_column("change", sa.Column(name, sa.Float(), nullable=True))
    op.add_column("change", sa.Column("on_grid", sa.Boolean(), nullable=True))


def downgrade() -> None:
    for name in (*CURVES, "on_grid"):
        op.drop_column("change", name)
