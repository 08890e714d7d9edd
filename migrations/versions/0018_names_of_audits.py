"""Audits have names, notes and tags, and say who started them and what they refit."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0018"
down_revision = "0017"

TABLES = ("audit", "policy", "schedule")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("name", sa.Text(), nullable=False, server_default=""))
        op.add_column(table, sa.Column("note", sa.Text(), nullable=False, server_default=""))
        op.add_column(table, sa.Column("tags", ARRAY(sa.Text()), nullable=False, server_default="{}"))
    op.add_column("audit", sa.Column("started_by", sa.Text(), nullable=False, server_default=""))
    op.add_column("audit", sa.Column("refit_of", sa.Integer(), sa.ForeignKey("audit.id")))
    op.execute(_REFITS)


def downgrade() -> None:
    op.drop_column("audit", "refit_of")
    op.drop_column("audit", "started_by")
    for table in TABLES:
        for column in ("tags", "note", "name"):
            op.drop_column(table, column)


# An audit that was a refit has explanations that are refits of another audit's: the first that had them.
_REFITS = """
UPDATE audit a SET refit_of = found.before FROM (
    SELECT ae.audit_id, min(be.audit_id) AS before
    FROM audit_explanation ae JOIN explanation e ON e.id = ae.explanation_id
    JOIN audit_explanation be ON be.explanation_id = e.refit_of
    GROUP BY ae.audit_id) found
WHERE found.audit_id = a.id AND found.before < a.id
"""
