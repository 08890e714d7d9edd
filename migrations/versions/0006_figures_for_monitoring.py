"""Counters of what has happened, and a view of what is under way, for metrics and for what scales the workers."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

# What was done before is counted too; how many parts it took is not known any more.
FILL = """
INSERT INTO tally (what, model_id, n)
SELECT 'photographs', model_id, count(*) FROM explanation WHERE state = 'done' GROUP BY model_id
UNION ALL
SELECT 'evaluations', model_id, sum(evaluations) FROM explanation WHERE state = 'done' GROUP BY model_id
UNION ALL
SELECT 'failed:' || cause, model_id, count(*) FROM (
    SELECT model_id, CASE WHEN reason LIKE '% killed its process %' THEN 'killed'
                          WHEN reason LIKE 'prepare: %' THEN 'prepare'
                          WHEN reason LIKE 'infer: %' THEN 'infer' ELSE 'reduce' END AS cause
    FROM explanation WHERE state = 'failed') failed
GROUP BY cause, model_id
"""

# A row for each step, whether anything is at it or not. It reads the index of what is in flight.
BACKLOG = """
CREATE VIEW backlog AS
SELECT steps.step, count(e.id)::int AS photographs,
       coalesce(sum(CASE WHEN e.state = 'running' THEN e.parts_total - e.parts_done ELSE 1 END)
                FILTER (WHERE e.id IS NOT NULL), 0)::int AS tasks,
       coalesce(sum(e.parts_done) FILTER (WHERE e.state = 'running'), 0)::int AS answered,
       coalesce(extract(epoch FROM now() - min(e.since)), 0)::float AS oldest_seconds
FROM (VALUES ('prepare'), ('infer'), ('reduce')) AS steps (step)
LEFT JOIN explanation e
    ON e.state IN ('preparing', 'running', 'ready', 'reducing')
   AND steps.step = CASE e.state WHEN 'preparing' THEN 'prepare' WHEN 'running' THEN 'infer' ELSE 'reduce' END
   AND EXISTS (SELECT FROM audit_explanation ae JOIN audit a ON a.id = ae.audit_id
               WHERE ae.explanation_id = e.id AND a.state = 'running' OFFSET 0)
GROUP BY steps.step
"""


def upgrade() -> None:
    op.create_table(
        "tally",
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("n", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name=op.f("fk_tally_model_id_model"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("what", "model_id", name=op.f("pk_tally")),
    )
    op.execute(FILL)
    op.add_column("explanation", sa.Column("since", sa.DateTime(timezone=True), nullable=True))
    op.execute(BACKLOG)


def downgrade() -> None:
    op.execute("DROP VIEW backlog")
    op.drop_column("explanation", "since")
    op.drop_table("tally")
