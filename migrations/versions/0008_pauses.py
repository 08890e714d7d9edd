"""An audit is paused while the blob store is full or does not answer."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("audit", sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("audit", sa.Column("pause_reason", sa.Text(), nullable=True))
    op.drop_constraint(op.f("ck_audit_state"), "audit", type_="check")
    op.create_check_constraint(op.f("ck_audit_state"), "audit", "state IN ('running', 'paused', 'done', 'cancelled')")
    op.create_check_constraint(
        op.f("ck_audit_pause"),
        "audit",
        "state <> 'paused' OR (paused_at IS NOT NULL AND pause_reason IS NOT NULL)",
    )


def downgrade() -> None:
    op.execute("UPDATE audit SET state = 'cancelled' WHERE state = 'paused'")
    op.drop_constraint(op.f("ck_audit_pause"), "audit", type_="check")
    op.drop_constraint(op.f("ck_audit_state"), "audit", type_="check")
    op.create_check_constraint(op.f("ck_audit_state"), "audit", "state IN ('running', 'done', 'cancelled')")
    op.drop_column("audit", "pause_reason")
    op.drop_column("audit", "paused_at")
