"""The tables of audits that start themselves, and of comparisons."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Identity,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from storage.tables import created_at, metadata

__all__ = ["metadata"]

# What to do when a version of this model is registered: explain these photographs by this recipe.
policy = Table(
    "policy",
    metadata,
    Column("model", Text, primary_key=True),  # a name, which may have no version yet
    Column("recipe_digest", Text, ForeignKey("recipe.digest"), nullable=False),
    Column("selection", Text, nullable=False),
    Column("object_word", Text, nullable=False, server_default="object"),  # of the audits that it starts
    Column("name", Text, nullable=False, server_default=""),  # what people call it: see storage.title
    Column("note", Text, nullable=False, server_default=""),
    Column("tags", ARRAY(Text), nullable=False, server_default="{}"),
    Column("keep", Integer),  # days that its audits are kept after their end; null: for ever
    Column("compare", Boolean, nullable=False),  # with the previous version, when both audits have ended
    Column("handled", Integer, nullable=False, server_default=text("0")),  # the newest model.id that it has answered
    Column("audit_id", Integer, ForeignKey("audit.id")),  # the last that it started
    Column("problem", Text),  # why it could not start one the last time
    created_at(),
)

# An audit that starts itself by the clock.
schedule = Table(
    "schedule",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("model", Text, nullable=False),  # a reference: poles@2, or poles@latest for the newest at that time
    Column("cron", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("recipe_digest", Text, ForeignKey("recipe.digest"), nullable=False),
    Column("selection", Text, nullable=False),
    Column("object_word", Text, nullable=False, server_default="object"),  # of the audits that it starts
    Column("name", Text, nullable=False, server_default=""),  # what people call it: see storage.title
    Column("note", Text, nullable=False, server_default=""),
    Column("tags", ARRAY(Text), nullable=False, server_default="{}"),
    Column("keep", Integer),  # days that its audits are kept after their end; null: for ever
    Column("compare", Boolean, nullable=False),
    Column("paused", Boolean, nullable=False, server_default=text("false")),
    Column("since", DateTime(timezone=True), nullable=False, server_default=func.now()),  # due times before it are void
    created_at(),
)

# A due time that was answered: once, however many beats tick.
schedule_run = Table(
    "schedule_run",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("schedule_id", Integer, ForeignKey("schedule.id", ondelete="CASCADE"), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("audit_id", Integer, ForeignKey("audit.id")),
    Column("problem", Text),  # why no audit was started
    created_at(),
    UniqueConstraint("schedule_id", "due_at"),
)

# Two audits of the same photographs; made when both have ended.
comparison = Table(
    "comparison",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("before_id", Integer, ForeignKey("audit.id"), nullable=False),
    Column("after_id", Integer, ForeignKey("audit.id"), nullable=False),
    Column("state", Text, nullable=False, server_default="waiting"),
    Column("lease_until", DateTime(timezone=True)),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("reason", Text),
    Column("outcome", JSONB),  # see pipeline.change.outcome
    Column("removed", Integer, nullable=False, server_default=text("0")),  # photographs of it that were removed since
    Column("finished_at", DateTime(timezone=True)),
    created_at(),
    UniqueConstraint("before_id", "after_id"),
    CheckConstraint("state IN ('waiting', 'done', 'failed')", name="state"),
)

# A photograph of a comparison: the fields of pipeline.change.comparison.Change, null where there is nothing to say.
change = Table(
    "change",
    metadata,
    Column("comparison_id", Integer, ForeignKey("comparison.id", ondelete="CASCADE"), primary_key=True),
    Column("image_id", BigInteger, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("label_before", Text, nullable=False),
    Column("label_after", Text, nullable=False),
    Column("confidence_before", Float, nullable=False),
    Column("confidence_after", Float, nullable=False),
    Column("explained_before", Text, nullable=False),
    Column("explained_after", Text, nullable=False),
    Column("spearman", Float),
    Column("top5_jaccard", Float),
    Column("overlap", Float),
    Column("seeds_spearman", Float),
    Column("distance", Float),
    Column("noise", Float),
    Column("p_value", Float),
    Column("reliance_before", Float),
    Column("reliance_after", Float),
    Column("share_before", Float),
    Column("share_after", Float),
    Column("verdict_before", Text),
    Column("verdict_after", Text),
    Column("test", Text),  # which one gave the p-value: paired or permutation; null in rows older than the column
    Column("deletion_before", Float),  # these five are null in rows of the time before recipes were compared
    Column("deletion_after", Float),
    Column("insertion_before", Float),
    Column("insertion_after", Float),
    Column("on_grid", Boolean),
    Column("changed", Boolean),  # null until the comparison is done: which p-values count depends on all of them
)

# A file under a watched place, as it was seen the last time.
watched_file = Table(
    "watched_file",
    metadata,
    Column("place", Text, primary_key=True),
    Column("model", Text, primary_key=True),  # the name that it is registered under
    Column("file", Text, primary_key=True),
    Column("mark", Text, nullable=False),  # its size and time, and its ETag; another one is another file
    Column("outcome", Text),  # name@version, or why it was refused; null until it was seen twice alike
    Column("registered", Boolean, nullable=False, server_default=text("false")),
    created_at(),
)
