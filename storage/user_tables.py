"""The tables of what people and programs ask and say by the pages, and of who did what."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from storage.reaudit_tables import metadata
from storage.tables import created_at

__all__ = ["metadata"]

# What a person has said of an explanation; saying something else later replaces it.
mark = Table(
    "mark",
    metadata,
    Column("explanation_id", BigInteger, ForeignKey("explanation.id", ondelete="CASCADE"), primary_key=True),
    Column("who", Text, primary_key=True),
    Column("word", Text),  # agree, wrong; null where the person has said something else of it
    Column("label", Text),  # the right one, in the person's eyes
    Column("comment", Text, nullable=False, server_default=""),
    Column("tags", ARRAY(Text), nullable=False, server_default="{}"),
    Column("marked_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("word IN ('agree', 'wrong')", name="word"),
)

# What a program has asked of a model over HTTP, while and after workers are at it: see storage.jobs.
job = Table(
    "job",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("audit_id", Integer, ForeignKey("audit.id", ondelete="CASCADE"), nullable=False),  # that is at it now
    Column("verb", Text, nullable=False),
    Column("recipe", JSONB, nullable=False),
    Column("condition", Text, nullable=False, server_default=""),
    Column("instances", JSONB, nullable=False),  # in their order: a photograph, or what was wrong with it
    created_at(),
    CheckConstraint("verb IN ('predict', 'explain')", name="verb"),
    Index("ix_job_audit_id", "audit_id"),
    Index("ix_job_instances", "instances", postgresql_using="gin", postgresql_ops={"instances": "jsonb_path_ops"}),
)

# A token, by which a program signs in; only a hash of it is kept.
token = Table(
    "token",
    metadata,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("made_by", Text, nullable=False),  # user@machine
    Column("expires_at", DateTime(timezone=True), nullable=False),
    created_at(),
    UniqueConstraint("sha256"),
    CheckConstraint("role IN ('reader', 'marker', 'operator')", name="role"),
)

# What was removed, started or changed, and by whom: a row for each kind in each transaction, never changed. See
# storage.forget.trail.
trail = Table(
    "trail",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("run", Text, nullable=False),  # the same for all that one command or task has removed
    Column("who", Text, nullable=False),  # user@machine; who signed in to the pages
    Column("what", Text, nullable=False),  # the command
    Column("audit", Integer),  # the number of the audit that it is about
    Column("kind", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    created_at(),
)
