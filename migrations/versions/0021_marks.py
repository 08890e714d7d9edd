"""People mark explanations, and the worst and the least sure of an audit are found by indexes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0021"
down_revision = "0020"

# One for resting on the background, one for a doubtful explanation, and the background reliance: 0 to 3.
WORRY = """
CREATE FUNCTION worry(basis text, soundness text, verdict text, reliance float) RETURNS float
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE WHEN 'background' IN (basis, verdict) THEN 1 ELSE 0 END
     + CASE WHEN soundness = 'doubtful' OR verdict IN ('unstable', 'unfaithful') THEN 1 ELSE 0 END
     + coalesce(reliance, 0)
$$
"""


def upgrade() -> None:
    op.create_table(
        "mark",
        sa.Column("explanation_id", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("word", sa.Text()),
        sa.Column("label", sa.Text()),
        sa.Column("comment", sa.Text(), nullable=False, server_default=""),
        sa.Column("tags", ARRAY(sa.Text()), nullable=False, server_default="{}"),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.CheckConstraint("word IN ('agree', 'wrong')", name=op.f("ck_mark_word")),
        sa.ForeignKeyConstraint(
            ["explanation_id"],
            ["explanation.id"],
            name=op.f("fk_mark_explanation_id_explanation"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("explanation_id", "who", name=op.f("pk_mark")),
    )
    op.execute(WORRY)
    op.create_index("ix_explanation_confidence", "explanation", ["confidence"])
    op.create_index(
        "ix_attribution_worst",
        "attribution",
        [sa.text("(- worry(basis, soundness, verdict, background_reliance))"), "explanation_id"],
        postgresql_where=sa.text("place = 1"),
    )


def downgrade() -> None:
    op.drop_index("ix_attribution_worst", "attribution")
    op.drop_index("ix_explanation_confidence", "explanation")
    op.execute("DROP FUNCTION worry")
    op.drop_table("mark")
