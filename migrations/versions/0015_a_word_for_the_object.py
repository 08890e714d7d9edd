"""An audit's own word for the object, in the sentences of the views as well."""

from importlib import import_module

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

TABLES = ("audit", "policy", "schedule")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("object_word", sa.Text(), nullable=False, server_default="object"))
    op.execute(_named(_flags()))


def downgrade() -> None:
    op.execute(_flags())
    for table in TABLES:
        op.drop_column(table, "object_word")


def _flags() -> str:
    before: str = import_module("migrations.versions.0013_two_answers").EXPLANATION_FLAGS
    return before


def _named(view: str) -> str:
    """The view with the audit's word in its sentence."""
    sentence, rest = view.split(" AS sentence,", 1)
    head, said = sentence.rsplit("t.verdict,\n", 1)
    named = f"replace({said.strip()}, 'the object', 'the ' || a.object_word) AS sentence,"
    return f"{head}t.verdict,\n       {named}{rest}".replace(
        "FROM audit_explanation ae\n", "FROM audit_explanation ae\nJOIN audit a ON a.id = ae.audit_id\n"
    )
