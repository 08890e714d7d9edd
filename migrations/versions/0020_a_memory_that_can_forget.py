"""What is removed leaves a trail, audits may be kept for a time, and what is wanted is found by indexes."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

KEPT = ("audit", "policy", "schedule")
INDEXES = (
    ("image", "mask_sha256"),
    ("explanation", "scene"),
    ("explanation", "mask_sha256"),
    ("explanation", "refit_of"),
)
CHANGED = "fk_change_image_id_image"


def upgrade() -> None:
    op.create_table(
        "trail",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("audit", sa.Integer(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trail")),
    )
    for table in KEPT:
        op.add_column(table, sa.Column("keep", sa.Integer(), nullable=True))
    op.add_column("comparison", sa.Column("removed", sa.Integer(), server_default=sa.text("0"), nullable=False))
    for table, column in INDEXES:
        where = sa.text(f"{column} IS NOT NULL")
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column], postgresql_where=where)
    op.create_index(op.f("ix_change_image_id"), "change", ["image_id"])
    _change_refers("CASCADE")


def downgrade() -> None:
    _change_refers(None)
    op.drop_index(op.f("ix_change_image_id"), "change")
    for table, column in INDEXES:
        op.drop_index(op.f(f"ix_{table}_{column}"), table)
    op.drop_column("comparison", "removed")
    for table in KEPT:
        op.drop_column(table, "keep")
    op.drop_table("trail")


def _change_refers(ondelete: str | None) -> None:
    """What a comparison has of a photograph goes with the photograph, or holds it."""
    op.drop_constraint(op.f(CHANGED), "change", type_="foreignkey")
    op.create_foreign_key(op.f(CHANGED), "change", "image", ["image_id"], ["id"], ondelete=ondelete)
