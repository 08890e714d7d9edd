"""The first schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "image",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("mask_sha256", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image")),
        sa.UniqueConstraint("sha256", name=op.f("uq_image_sha256")),
    )
    op.create_index(op.f("ix_image_name"), "image", ["name"], unique=False)
    op.create_table(
        "model",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("labels", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("profile", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("batch", sa.Boolean(), nullable=False),
        sa.Column("rate", sa.Float(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model")),
        sa.UniqueConstraint("name", "digest", name=op.f("uq_model_name_digest")),
        sa.UniqueConstraint("name", "version", name=op.f("uq_model_name_version")),
    )
    op.create_table(
        "recipe",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_recipe")),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("recipe_digest", sa.Text(), nullable=False),
        sa.Column("selection", sa.Text(), nullable=False),
        sa.Column("urgent", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("state", sa.Text(), server_default="running", nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state IN ('running', 'done', 'cancelled')", name=op.f("ck_audit_state")),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name=op.f("fk_audit_model_id_model")),
        sa.ForeignKeyConstraint(["recipe_digest"], ["recipe.digest"], name=op.f("fk_audit_recipe_digest_recipe")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_table(
        "explanation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("image_id", sa.BigInteger(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("recipe_digest", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="planned", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("scene", sa.Text(), nullable=True),
        sa.Column("probes", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("parts_total", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("parts_done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("evaluations", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("probabilities", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("fill_probabilities", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('planned', 'preparing', 'running', 'ready', 'reducing', 'done', 'failed')",
            name=op.f("ck_explanation_state"),
        ),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_explanation_image_id_image")),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name=op.f("fk_explanation_model_id_model")),
        sa.ForeignKeyConstraint(["recipe_digest"], ["recipe.digest"], name=op.f("fk_explanation_recipe_digest_recipe")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_explanation")),
        sa.UniqueConstraint("key", name=op.f("uq_explanation_key")),
    )
    op.create_index(op.f("ix_explanation_image_id"), "explanation", ["image_id"], unique=False)
    op.create_index(
        "ix_explanation_in_flight",
        "explanation",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state IN ('preparing', 'running', 'ready', 'reducing')"),
    )
    op.create_index(
        "ix_explanation_planned", "explanation", ["id"], unique=False, postgresql_where=sa.text("state = 'planned'")
    )
    op.create_table(
        "attribution",
        sa.Column("explanation_id", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("weights", postgresql.ARRAY(sa.Float()), nullable=False),
        sa.Column("std_error", postgresql.ARRAY(sa.Float()), nullable=False),
        sa.Column("weights_by_seed", postgresql.ARRAY(sa.Float(), dimensions=2), nullable=False),
        sa.Column("intercept", sa.Float(), nullable=False),
        sa.Column("fidelity", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("stability", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("judgement", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["explanation_id"],
            ["explanation.id"],
            name=op.f("fk_attribution_explanation_id_explanation"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("explanation_id", "label", name=op.f("pk_attribution")),
    )
    op.create_table(
        "audit_explanation",
        sa.Column("audit_id", sa.Integer(), nullable=False),
        sa.Column("explanation_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["audit_id"], ["audit.id"], name=op.f("fk_audit_explanation_audit_id_audit"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["explanation_id"], ["explanation.id"], name=op.f("fk_audit_explanation_explanation_id_explanation")
        ),
        sa.PrimaryKeyConstraint("audit_id", "explanation_id", name=op.f("pk_audit_explanation")),
    )
    op.create_index(op.f("ix_audit_explanation_explanation_id"), "audit_explanation", ["explanation_id"], unique=False)
    op.create_table(
        "part",
        sa.Column("explanation_id", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.SmallInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("stop", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("scores", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["explanation_id"], ["explanation.id"], name=op.f("fk_part_explanation_id_explanation"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("explanation_id", "round", "number", name=op.f("pk_part")),
    )


def downgrade() -> None:
    op.drop_table("part")
    op.drop_index(op.f("ix_audit_explanation_explanation_id"), table_name="audit_explanation")
    op.drop_table("audit_explanation")
    op.drop_table("attribution")
    op.drop_index("ix_explanation_planned", table_name="explanation", postgresql_where=sa.text("state = 'planned'"))
    op.drop_index(
        "ix_explanation_in_flight",
        table_name="explanation",
        postgresql_where=sa.text("state IN ('preparing', 'running', 'ready', 'reducing')"),
    )
    op.drop_index(op.f("ix_explanation_image_id"), table_name="explanation")
    op.drop_table("explanation")
    op.drop_table("audit")
    op.drop_table("recipe")
    op.drop_table("model")
    op.drop_index(op.f("ix_image_name"), table_name="image")
    op.drop_table("image")
