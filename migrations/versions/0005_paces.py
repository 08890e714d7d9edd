"""The pace of each model on each device: its micro-batch, and the evaluations a second."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "pace",
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("rate", sa.Float(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name=op.f("fk_pace_model_id_model"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("model_id", "device", name=op.f("pk_pace")),
    )


def downgrade() -> None:
    op.drop_table("pace")
