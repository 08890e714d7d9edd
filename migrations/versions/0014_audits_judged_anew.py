"""An audit remembers when answers of it were judged anew: comparisons made before that are outdated."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("audit", sa.Column("rejudged_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("audit", "rejudged_at")
