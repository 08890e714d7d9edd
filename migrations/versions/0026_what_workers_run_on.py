"""Workers say which provider they run a model on, and what of its network that left to the CPU."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.create_table(
        "placement",
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("precision", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("nodes", sa.Integer(), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.ForeignKeyConstraint(
            ["model_id"], ["model.id"], name=op.f("fk_placement_model_id_model"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("model_id", "worker", "precision", name=op.f("pk_placement")),
    )


def downgrade() -> None:
    op.drop_table("placement")
