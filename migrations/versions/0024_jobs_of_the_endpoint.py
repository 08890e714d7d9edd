"""What programs have asked of a model over HTTP; and which audits go on is found by an index."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0024"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "job",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("audit_id", sa.Integer(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("recipe", JSONB(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False, server_default=""),
        sa.Column("instances", JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.CheckConstraint("verb IN ('predict', 'explain')", name=op.f("ck_job_verb")),
        sa.ForeignKeyConstraint(["audit_id"], ["audit.id"], name=op.f("fk_job_audit_id_audit"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index("ix_job_audit_id", "job", ["audit_id"])
    op.create_index(
        "ix_job_instances", "job", ["instances"], postgresql_using="gin", postgresql_ops={"instances": "jsonb_path_ops"}
    )
    op.create_index("ix_audit_running", "audit", ["id"], postgresql_where=sa.text("state = 'running'"))


def downgrade() -> None:
    op.drop_index("ix_audit_running", "audit")
    op.drop_table("job")
