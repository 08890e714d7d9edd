"""A change says which test told it from noise."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("change", sa.Column("test", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("change", "test")
