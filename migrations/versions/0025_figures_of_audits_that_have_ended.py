"""The figures of audits that have ended are kept until a row of theirs changes, and progress is read from indexes.

Triggers drop what is kept, whoever changes the rows: a worker of the version before, which knows nothing of these
figures, makes none wrong. Nothing is kept by the migration itself: the sweep of this version counts what has ended, and
until then, and under workers of the version before for good, figures are counted as they were. The triggers run as the
owner of the tables, for a login that has not been given the new table may still change explanations.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"

# The lock is that of storage.progress: whoever keeps figures has it alone, and whoever changes rows shares it.
# What is neither done nor failed is in no audit whose figures are kept: of what workers do all day this drops nothing.
OUTDATE = """
CREATE FUNCTION outdate_figures() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE changed integer[];
BEGIN
    IF TG_TABLE_NAME = 'audit_explanation' THEN
        changed := ARRAY(SELECT DISTINCT audit_id FROM touched);
    ELSIF TG_TABLE_NAME = 'explanation' THEN
        changed := ARRAY(
            SELECT DISTINCT ae.audit_id FROM before b JOIN touched t USING (id)
            JOIN audit_explanation ae ON ae.explanation_id = b.id
            WHERE b.state IN ('done', 'failed')
              AND (b.state, b.reason, b.evaluations) IS DISTINCT FROM (t.state, t.reason, t.evaluations));
    ELSE
        changed := ARRAY(
            SELECT DISTINCT ae.audit_id FROM before b JOIN touched t USING (id)
            JOIN explanation e ON e.image_id = b.id JOIN audit_explanation ae ON ae.explanation_id = e.id
            WHERE (b.label, b.name) IS DISTINCT FROM (t.label, t.name));
    END IF;
    IF changed <> '{}' THEN
        PERFORM pg_advisory_xact_lock_shared(7653215);
        DELETE FROM audit_figures WHERE audit_id IN (
            SELECT audit_id FROM audit_figures WHERE audit_id = ANY(changed) ORDER BY audit_id FOR UPDATE);
    END IF;
    RETURN NULL;
END $$
"""

TRIGGERS = {
    "added": "AFTER INSERT ON audit_explanation REFERENCING NEW TABLE AS touched",
    "removed": "AFTER DELETE ON audit_explanation REFERENCING OLD TABLE AS touched",
    "explained": "AFTER UPDATE ON explanation REFERENCING OLD TABLE AS before NEW TABLE AS touched",
    "labelled": "AFTER UPDATE ON image REFERENCING OLD TABLE AS before NEW TABLE AS touched",
}


def upgrade() -> None:
    op.create_table(
        "audit_figures",
        sa.Column("audit_id", sa.Integer(), nullable=False),
        sa.Column("photographs", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("not_rejudged", sa.Integer(), nullable=False),
        sa.Column("evaluations", sa.BigInteger(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(
            ["audit_id"], ["audit.id"], name=op.f("fk_audit_figures_audit_id_audit"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("audit_id", name=op.f("pk_audit_figures")),
    )
    op.execute(OUTDATE)
    for name, event in TRIGGERS.items():
        op.execute(f"CREATE TRIGGER outdate_{name} {event} FOR EACH STATEMENT EXECUTE FUNCTION outdate_figures()")


def downgrade() -> None:
    op.execute("DROP FUNCTION outdate_figures CASCADE")
    op.drop_table("audit_figures")
